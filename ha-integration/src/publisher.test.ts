import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { pino } from "pino";
import { Memory } from "./memory.ts";
import { Publisher } from "./publisher.ts";

const log = pino({ level: "silent" });
const topic = "homeassistant/device/davit_home/nas_volume-a/config";
const device = '{"device":{},"components":{"job":{"platform":"event","name":"Job"}}}';
const always = { mayClear: () => true };

function open(t: TestContext) {
	const home = mkdtempSync(join(tmpdir(), "davit-publisher-"));
	t.after(() => rmSync(home, { recursive: true }));
	const sent: [string, string][] = [];
	const memory = new Memory(join(home, "memory.json"));
	const publisher = new Publisher({
		memory,
		log,
		send: async (to, payload, retain) => {
			assert.equal(retain, true);
			sent.push([to, payload]);
		},
	});
	return { publisher, sent, memory };
}

test("what the broker already holds is published zero times", async (t) => {
	const { publisher, sent } = open(t);
	publisher.receive(topic, device, true);
	assert.deepEqual(await publisher.reconcile(new Map([[topic, device]]), always), {
		published: 0,
		isDue: false,
	});
	assert.deepEqual(sent, []);
});

test("a changed device is published once", async (t) => {
	const { publisher, sent } = open(t);
	publisher.receive(topic, device, true);
	const changed = device.replace("Job", "Work");
	await publisher.reconcile(new Map([[topic, changed]]), always);
	publisher.receive(topic, changed, false);
	await publisher.reconcile(new Map([[topic, changed]]), always);
	assert.deepEqual(sent, [[topic, changed]]);
});

test("a vanished device is cut to platforms, then cleared with an empty payload, also after a restart", async (t) => {
	const { publisher, sent } = open(t);
	publisher.receive(topic, device, true);
	assert.equal((await publisher.reconcile(new Map(), always)).isDue, true);
	assert.equal((await publisher.reconcile(new Map(), always)).isDue, false);
	publisher.receive(topic, "", false);
	assert.deepEqual(sent, [
		[topic, '{"device":{},"components":{"job":{"platform":"event"}}}'],
		[topic, ""],
	]);
	assert.equal((await publisher.reconcile(new Map([[topic, device]]), always)).published, 1);
});

test("junk under our own node is cleared at once", async (t) => {
	const { publisher, sent } = open(t);
	publisher.receive(topic, "{}", true);
	await publisher.reconcile(new Map(), always);
	assert.deepEqual(sent, [[topic, ""]]);
});

test("nothing is cleared of a host that nothing is known of", async (t) => {
	const { publisher, sent } = open(t);
	publisher.receive(topic, device, true);
	await publisher.reconcile(new Map(), { mayClear: () => false });
	assert.deepEqual(sent, []);
});

test("a device that a person deleted in Home Assistant stays away until its resource has gone and come back", async (t) => {
	const { publisher, sent, memory } = open(t);
	publisher.receive(topic, device, true);
	publisher.receive(topic, "", false);
	await publisher.reconcile(new Map([[topic, device]]), always);
	assert.deepEqual(sent, []);
	assert.equal(memory.isHidden(topic), true);
	await publisher.reconcile(new Map(), always);
	await publisher.reconcile(new Map([[topic, device]]), always);
	assert.deepEqual(sent, [[topic, device]]);
});
