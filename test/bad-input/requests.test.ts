import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import {
	AccountDocument,
	HostName,
	maximumMessageBytes,
	newId,
	PrincipalName,
	Response,
	RunsDocument,
	topicsOf,
} from "@davit/protocol";
import { openClient, type TestClient, text } from "../broker/client.ts";
import { site as siteName } from "../broker/kinds.ts";
import { openSite, type Site } from "./open-site.ts";
import { assertTold, toldIn } from "./read-page.ts";

// What Home Assistant's account may send to the coordinator, and what a stranger may not.

const topics = topicsOf(siteName);
const principal = PrincipalName.parse("home-assistant");
let site: Site;
let client: TestClient;

before(async () => {
	site = await openSite();
	client = await connect("home-assistant");
	await client.mqtt.subscribeAsync(topics.response(principal), { qos: 1 });
});

after(async () => {
	const runs = RunsDocument.parse((await site.davit("list", "runs", "--json")).lines[0]);
	await client[Symbol.asyncDispose]();
	await site[Symbol.asyncDispose]();
	assert.equal(runs.total, 1, "of all these only the one good press became a run");
});

/** With the account that `davit account NAME` gives. */
async function connect(name: string): Promise<TestClient> {
	const account = AccountDocument.parse((await site.davit("account", name, "--json")).lines[0]);
	const broker = { port: account.port, password: () => account.password };
	return openClient(broker, { username: account.username, protocolVersion: 5 });
}

/** Publishes a backup's request with these changes, and answers with the `nth` response to its id. */
async function press(changes: object, { id = newId(), nth = 1 } = {}): Promise<Response> {
	const good = { version: 1, id, host: site.host, operation: "path.backup", params: { path: site.folder } };
	await client.publish(topics.request(principal), JSON.stringify({ ...good, ...changes }));
	const answers = () => client.received.filter((packet) => text(packet).includes(id));
	const answer = await client.next((packet) => answers()[nth - 1] === packet);
	return Response.parse(JSON.parse(text(answer)));
}

async function refused(input: string, changes: object): Promise<void> {
	const { outcome, failure } = await press(changes);
	assert.equal(outcome, "rejected", input);
	assertTold(input, toldIn(failure));
}

/** Bytes that hold no id to answer under: the answer has one of its own. */
async function refusedRaw(input: string, payload: string | Buffer): Promise<void> {
	const before = client.received.length;
	await client.mqtt.publishAsync(topics.request(principal), payload, { qos: 1 });
	const answer = await client.next((packet) => client.received.indexOf(packet) >= before);
	assertTold(input, toldIn(Response.parse(JSON.parse(text(answer))).failure));
}

test("a request for what does not exist is answered with why", async () => {
	await refused("request for an unknown host", { host: "attic" });
	await refused("request for an unknown volume", {
		operation: "volume.backup",
		params: { volume: "grafana-data" },
	});
	await refused("request to verify an unknown archive", {
		...{ operation: "path.verify", params: { path: site.folder, archive: "0123456789" } },
	});
	await refused("request for an unknown operation", { operation: "path.shred" });
});

test("a request with what cannot be a name or a parameter is answered with which", async () => {
	await refused("request for a host with a slash", { host: "../attic" });
	await refused("request for a volume with a slash", {
		operation: "volume.backup",
		params: { volume: "../etc" },
	});
	await refused("request for a volume with a newline", {
		operation: "volume.backup",
		params: { volume: "a\nb" },
	});
	await refused("request for a folder with ..", { params: { path: "/srv/../etc" } });
	await refused("request with a parameter of a wrong type", { params: { path: 7 } });
});

test("a request that cannot be read is answered all the same", async () => {
	const whole = JSON.stringify({
		version: 1,
		host: site.host,
		operation: "path.backup",
		params: { path: site.folder },
	});
	await refusedRaw("truncated request", whole.slice(0, -10));
	await refusedRaw("oversized request", whole + " ".repeat(maximumMessageBytes));
	await refusedRaw(
		"request that is not UTF-8",
		Buffer.concat([Buffer.from(whole.slice(0, -3)), Buffer.from([0xff, 0x22])]),
	);
});

test("a request of an account that may not ask so is refused", async () => {
	await refused("restore that Home Assistant asks for", {
		...{
			operation: "path.restore",
			params: { path: site.folder, archive: "0123456789", plan: "0".repeat(64) },
		},
	});
	const refusal = await client.publish(topics.request(principal), "{}", { retain: true });
	assert.match(String(refusal), /[Nn]ot authorized/, "a request is never retained");
	await using stranger = await connect("stranger");
	const command = topics.command(HostName.parse(site.host));
	for (const topic of [topics.request(principal), command]) {
		assert.match(String(await stranger.publish(topic, "{}")), /[Nn]ot authorized/);
	}
});

test("the same request, well made, is taken once however often it comes", async () => {
	const id = newId();
	const first = await press({}, { id });
	const second = await press({}, { id, nth: 2 });
	assert.equal(first.outcome, "accepted");
	assert.equal(second.run, first.run);
	assert.equal((await site.davit("watch", String(first.run))).exitCode, 0);
});
