import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createServer } from "node:tls";
import { HostName, OperationError, topicsOf } from "@davit/protocol";
import { openSession, type Session } from "@davit/protocol/mqtt";
import { findFreePort } from "../lab/network/port.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openClient, text } from "./client.ts";
import { openFakeBroker } from "./fake-broker.ts";
import { brokerKinds, silent, site, type TestBroker } from "./kinds.ts";

const nas = HostName.parse("nas");
const topics = topicsOf(site);

for (const kind of brokerKinds) {
	describe(`a session on ${kind.name}`, { skip: kind.unavailable ?? false }, () => {
		it("speaks MQTT 5, publishes, receives, and expires what is retained", async (t) => {
			await using broker = await kind.open([nas], t.signal);
			await using agent = await openAgentSession(broker, t.signal);
			assert.equal(agent.protocol, 5);
			await using coordinator = await openClient(broker, { username: "coordinator", protocolVersion: 5 });
			await coordinator.mqtt.subscribeAsync(topics.all.presences, { qos: 1 });
			await agent.publish(topics.presence(nas), "here", { retain: true, expirySeconds: 30 });
			const presence = await coordinator.next(() => true);
			assert.equal(text(presence), "here");
			assert.ok((presence.properties?.messageExpiryInterval ?? 0) > 0);
			const got = Promise.withResolvers<string>();
			agent.subscribe(topics.command(nas), (message) => got.resolve(Buffer.from(message.payload).toString()));
			const asked = Promise.withResolvers<void>();
			agent.onBirth(() => asked.resolve());
			await asked.promise;
			await coordinator.publish(topics.command(nas), "back up");
			assert.equal(await got.promise, "back up");
		});

		it("is born again after the broker died, with its subscriptions first", async (t) => {
			await using broker = await kind.open([nas], t.signal);
			await using agent = await openAgentSession(broker, t.signal);
			const commands: string[] = [];
			let births = 0;
			agent.subscribe(
				topics.command(nas),
				({ payload }) => void commands.push(Buffer.from(payload).toString()),
			);
			agent.onBirth(async () => {
				births += 1;
				await agent.publish(topics.presence(nas), `birth ${births}`, { retain: true });
			});
			await until(t.signal, "the first birth", () => births === 1);
			await broker.restart();
			await until(t.signal, "the second birth", () => births === 2);
			await using coordinator = await openClient(broker, { username: "coordinator", protocolVersion: 5 });
			await coordinator.mqtt.subscribeAsync(topics.presence(nas), { qos: 1 });
			assert.equal(
				text(await coordinator.next(({ payload }) => payload.toString() === "birth 2")),
				"birth 2",
			);
			await coordinator.publish(topics.command(nas), "after");
			await until(t.signal, "the command", () => commands.includes("after"));
		});

		it("leaves its will when it is killed, and none when it is closed", async (t) => {
			await using broker = await kind.open([nas], t.signal);
			await using coordinator = await openClient(broker, { username: "coordinator", protocolVersion: 5 });
			await coordinator.mqtt.subscribeAsync(topics.all.ofAgents, { qos: 1 });
			const agent = await openAgentSession(broker, t.signal);
			await agent.close();
			await using second = await openAgentSession(broker, t.signal);
			second.subscribe(topics.command(nas), () => {
				throw new Error("dies of this message");
			});
			second.onBirth(() => second.publish(topics.report(nas), "born"));
			await coordinator.next(({ topic }) => topic === topics.report(nas));
			assert.deepEqual(
				coordinator.received.filter(({ topic }) => topic === topics.presence(nas)),
				[],
			);
			await coordinator.publish(topics.command(nas), "poison");
			assert.equal(text(await coordinator.next(({ topic }) => topic === topics.presence(nas))), "gone");
		});

		it("says at the first connect that the password is wrong", async (t) => {
			await using broker = await kind.open([nas], t.signal);
			await assert.rejects(
				openSession(
					{ url: broker.url, clientId: "davit-nas", username: nas, password: "wrong", log: silent },
					t.signal,
				),
				{ name: "OperationError", code: "broker-refused" },
			);
		});

		it("hears that it may not publish somewhere", async (t) => {
			await using broker = await kind.open([nas], t.signal);
			await using agent = await openAgentSession(broker, t.signal);
			await assert.rejects(agent.publish(topics.command(nas), "x"), { code: "broker-refused" });
			assert.equal(agent.isConnected, true);
		});
	});
}

describe("a session", () => {
	it("acknowledges a message only when its handler is through, which may publish meanwhile", async (t) => {
		await using broker = await openFakeBroker();
		await using session = await open(broker.url, t.signal);
		const committed = Promise.withResolvers<void>();
		const began = Promise.withResolvers<void>();
		session.subscribe("in", async () => {
			await session.publish("out", "on the way");
			began.resolve();
			await committed.promise;
		});
		await born(session);
		broker.deliver({ topic: "in", payload: "x", id: 515 });
		await began.promise;
		assert.deepEqual(broker.acknowledged, []);
		committed.resolve();
		await until(t.signal, "the acknowledgement", () => broker.acknowledged.length > 0);
		assert.deepEqual(broker.acknowledged, [515]);
	});

	it("never acknowledges what its handler threw at, and connects anew", async (t) => {
		await using broker = await openFakeBroker();
		await using session = await open(broker.url, t.signal);
		let failures = 0;
		session.subscribe("in", () => {
			failures += 1;
			throw new Error("disk full");
		});
		await born(session);
		broker.deliver({ topic: "in", payload: "x", id: 7 });
		await until(t.signal, "another connection", () => broker.levels.length === 2 && session.isConnected);
		assert.equal(failures, 1);
		assert.deepEqual(broker.acknowledged, []);
	});

	it("handles messages in their order, one at a time", async (t) => {
		await using broker = await openFakeBroker();
		await using session = await open(broker.url, t.signal);
		const story: string[] = [];
		session.subscribe("in", async ({ payload }) => {
			story.push(`begin ${Buffer.from(payload).toString()}`);
			await session.publish("out", "x");
			story.push(`end ${Buffer.from(payload).toString()}`);
		});
		await born(session);
		broker.deliver({ topic: "in", payload: "1", id: 1 });
		broker.deliver({ topic: "in", payload: "2", id: 2 });
		await until(t.signal, "both", () => broker.acknowledged.length === 2);
		assert.deepEqual(story, ["begin 1", "end 1", "begin 2", "end 2"]);
		assert.deepEqual(broker.acknowledged, [1, 2]);
	});

	for (const refusal of [1, "hang-up"] as const) {
		it(`falls back to 3.1.1 on a broker that answers MQTT 5 with ${refusal}`, async (t) => {
			await using broker = await openFakeBroker({ connect: (level) => (level === 5 ? refusal : 0) });
			await using session = await open(broker.url, t.signal);
			assert.equal(session.protocol, 4);
			assert.deepEqual(broker.levels, [5, 4]);
			await session.publish("out", "x", { expirySeconds: 3 });
		});
	}

	it("comes up before its broker, and finds it later", async (t) => {
		const port = await findFreePort();
		await using session = await open(`mqtt://127.0.0.1:${port}`, t.signal);
		assert.equal(session.isConnected, false);
		await assert.rejects(session.publish("out", "x"), { code: "broker-unreachable" });
		await using _late = await openFakeBroker({ port });
		await until(t.signal, "the connection", () => session.isConnected);
		await session.publish("out", "x");
	});

	it("lets go of a publish when the connection ends before the acknowledgement", async (t) => {
		await using broker = await openFakeBroker({ acknowledges: false });
		await using session = await open(broker.url, t.signal);
		const published = session.publish("out", "x");
		await until(t.signal, "the connection", () => broker.connections() === 1);
		await Promise.all([
			assert.rejects(published, { code: "broker-unreachable" }),
			broker[Symbol.asyncDispose](),
		]);
	});

	it("refuses a message over 64 KiB before anything is sent", async (t) => {
		await using broker = await openFakeBroker();
		await using session = await open(broker.url, t.signal);
		await assert.rejects(session.publish("out", "é".repeat(32 * 1024 + 1)), { code: "command-too-large" });
		await session.publish("out", "x");
	});

	it("says that another program has its name, comes back twice, and then lets that one be", async (t) => {
		// Mosquitto 2.0 closes the older connection before its reason is sent.
		const aedes = brokerKinds[0];
		assert.ok(aedes?.name === "aedes");
		await using broker = await aedes.open([nas], t.signal);
		const said: string[] = [];
		await using older = await openAgentSession(broker, t.signal, (sentence) => said.push(sentence));
		await using newer = await openAgentSession(broker, t.signal);
		await until(
			t.signal,
			"the older to be thrown out three times",
			() => said.length === 3 && !older.isConnected,
		);
		assert.deepEqual(new Set(said), new Set(["another program took this one's place"]));
		await until(t.signal, "the newer to have the name", () => newer.isConnected);
		await newer.publish(topics.presence(nas), "still here");
		assert.equal(newer.isConnected, true);
	});

	it("goes through TLS to a broker whose authority it was given, and to no other", async (t) => {
		const folder = await mkdtemp(join(tmpdir(), "davit-tls-"));
		t.after(() => rm(folder, { recursive: true }));
		const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "certificate.pem")];
		const curve = [
			"-newkey",
			"ec",
			"-pkeyopt",
			"ec_paramgen_curve:prime256v1",
			"-nodes",
			"-subj",
			"/CN=broker",
		];
		const made = spawnSync("openssl", [
			"req",
			"-x509",
			...curve,
			"-addext",
			"subjectAltName=IP:127.0.0.1",
			...files,
		]);
		if (made.error !== undefined) return t.skip("openssl is not installed");
		const [key, certificate] = await Promise.all(
			["key.pem", "certificate.pem"].map((name) => readFile(join(folder, name), "utf8")),
		);
		assert.ok(key !== undefined && certificate !== undefined);
		await using broker = await openFakeBroker();
		const front = createServer({ key, cert: certificate }, (socket) => {
			const back = connect(Number(new URL(broker.url).port), "127.0.0.1");
			for (const end of [socket, back]) end.on("error", () => end.destroy());
			socket.pipe(back).pipe(socket);
		});
		await new Promise<void>((resolve) => front.listen(0, "127.0.0.1", resolve));
		t.after(() => front.close());
		const address = front.address();
		assert.ok(typeof address === "object" && address !== null);
		const url = `mqtts://127.0.0.1:${address.port}`;
		{
			await using trusting = await openSession(
				{ url, clientId: "davit-test", log: silent, certificateAuthority: certificate },
				t.signal,
			);
			await trusting.publish("out", "x");
		}
		await using wary = await open(url, t.signal);
		assert.equal(wary.isConnected, false);
		assert.deepEqual(broker.levels, [5]);
	});

	it("names an address that is none", async (t) => {
		for (const url of ["http://broker", "broker:1883", ""]) {
			await assert.rejects(open(url, t.signal), { code: "configuration-invalid" });
		}
	});

	it("stops opening when it is cancelled", async (t) => {
		await using broker = await openFakeBroker({ connect: () => "silence" });
		const aborter = new AbortController();
		const opening = assert.rejects(
			open(broker.url, aborter.signal),
			(error) => error instanceof OperationError && error.code === "cancelled",
		);
		await until(t.signal, "the CONNECT", () => broker.levels.length === 1);
		aborter.abort();
		await opening;
		await assert.rejects(open(broker.url, aborter.signal), { code: "cancelled" });
		assert.equal(broker.levels.length, 1);
	});
});

function open(url: string, signal: AbortSignal): Promise<Session> {
	return openSession({ url, clientId: "davit-test", log: silent }, signal);
}

function openAgentSession(
	broker: TestBroker,
	signal: AbortSignal,
	error: (sentence: string) => void = () => undefined,
): Promise<Session> {
	const log = { ...silent, error: (_context: object, sentence: string) => error(sentence) };
	return openSession(
		{
			...{
				url: broker.url,
				clientId: "davit-nas",
				username: nas,
				password: broker.password(nas),
				log,
			},
			will: { topic: topics.presence(nas), payload: "gone" },
		},
		signal,
	);
}

function born(session: Session): Promise<void> {
	return new Promise((resolve) => session.onBirth(resolve));
}

function until(signal: AbortSignal, what: string, probe: () => boolean): Promise<unknown> {
	return pollUntil(probe, { what, timeoutMs: 10_000, intervalMs: 10, signal });
}
