import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import test from "node:test";
import { HostName, type Logger, SiteName, topicsOf } from "@davit/protocol";
import { openSession } from "@davit/protocol/mqtt";
import { type Account, hashPassword } from "./accounts.ts";
import { openEmbeddedBroker } from "./embedded.ts";

const site = SiteName.parse("home");
const nas = HostName.parse("nas");

test("a port that another program has is named, and nothing is left behind", async (t) => {
	const other = createServer().listen(0, "127.0.0.1");
	t.after(() => other.close());
	await once(other, "listening");
	const address = other.address();
	assert.ok(typeof address === "object" && address !== null);
	await assert.rejects(openEmbeddedBroker({ ...(await options()), port: address.port }), {
		code: "port-taken",
		message: `the broker cannot listen on 127.0.0.1:${address.port}: another program does`,
	});
});

test("an address that is not this machine's is a mistake in the configuration", async () => {
	const wish = { ...(await options()), host: "192.0.2.1" };
	await assert.rejects(openEmbeddedBroker(wish), { code: "configuration-invalid" });
});

test("an account that got another password is disconnected and does not come back", async (t) => {
	const accounts = new Map<string, Account>();
	const give = async (password: string) => accounts.set(nas, await account(password));
	await give("first");
	await using broker = await openEmbeddedBroker({
		...(await options()),
		accounts: { find: (username) => accounts.get(username) },
	});
	const lost = Promise.withResolvers<string>();
	const wish = { url: broker.url, clientId: "davit-nas", username: nas, log: listenTo(lost.resolve) };
	await using session = await openSession({ ...wish, password: "first" }, t.signal);
	await give("second");
	broker.disconnect(nas);
	assert.equal(await lost.promise, "lost the broker");
	assert.equal(session.isConnected, false);
	await assert.rejects(openSession({ ...wish, password: "first" }, t.signal), { code: "broker-refused" });
	await using renewed = await openSession({ ...wish, password: "second" }, t.signal);
	assert.equal(renewed.isConnected, true);
});

test("an agent comes in only under its own client id", async (t) => {
	await using broker = await openEmbeddedBroker(await options());
	for (const clientId of ["davit-other", "nas", "coordinator"]) {
		const wish = { url: broker.url, clientId, username: nas, password: "secret", log: silent };
		await assert.rejects(openSession(wish, t.signal), { code: "broker-refused" }, clientId);
	}
});

test("closing ends every connection, also one that never said who it is", async (t) => {
	const broker = await openEmbeddedBroker(await options());
	const wish = { url: broker.url, clientId: "davit-nas", username: nas, password: "secret", log: silent };
	await using session = await openSession(wish, t.signal);
	const mute = connect(broker.port, "127.0.0.1");
	const ended = once(mute, "close");
	await once(mute, "connect");
	mute.resume();
	await broker.close();
	await ended;
	await assert.rejects(session.publish(topicsOf(site).report(nas), "x"), { code: "broker-unreachable" });
	const again = connect(broker.port, "127.0.0.1");
	const [error] = await once(again, "error");
	assert.equal(error.code, "ECONNREFUSED");
});

const silent: Logger = {
	debug: () => undefined,
	info: () => undefined,
	warn: () => undefined,
	error: () => undefined,
};

function listenTo(hear: (sentence: string) => void): Logger {
	return { ...silent, warn: (_context, sentence) => hear(sentence) };
}

async function account(password: string): Promise<Account> {
	return { username: nas, role: { kind: "agent", host: nas }, passwordHash: await hashPassword(password) };
}

async function options() {
	const known = await account("secret");
	return {
		...{ host: "127.0.0.1", port: 0, site, log: silent },
		accounts: { find: (username: string) => (username === nas ? known : undefined) },
	};
}
