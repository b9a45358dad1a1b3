import assert from "node:assert/strict";
import { test } from "node:test";
import type { Logger } from "../log.ts";
import { Inbox } from "./inbox.ts";

const quiet = () => undefined;
const log: Logger = { debug: quiet, info: quiet, warn: quiet, error: quiet };

function messageOf(text: string) {
	return { topic: "a/b", payload: Buffer.from(text), retain: false };
}

test("messages that came together are handed on in one call, in their order, and acknowledged after it", async () => {
	const story: string[] = [];
	const together = (handleAll: () => void) => {
		story.push("begin");
		handleAll();
		story.push("end");
	};
	const inbox = new Inbox({ log, together });
	inbox.add("a/+", ({ payload }) => {
		story.push(String(payload));
	});
	const received = ["1", "2", "3"].map((text) =>
		inbox.receive(messageOf(text)).then(() => story.push(`ack ${text}`)),
	);
	await Promise.all(received);
	assert.deepEqual(story, ["begin", "1", "2", "3", "end", "ack 1", "ack 2", "ack 3"]);
});

test("when they cannot be handled together, each is handled alone and only what fails stays unacknowledged", async () => {
	const handled: string[] = [];
	let isAlone = false;
	const together = (handleAll: () => void) => {
		handleAll();
		isAlone = true;
		throw new Error("no commit");
	};
	const inbox = new Inbox({ log, together });
	inbox.add("#", ({ payload }) => {
		if (isAlone && String(payload) === "2") throw new Error("not this one");
		if (isAlone) handled.push(String(payload));
	});
	const outcomes = await Promise.allSettled(["1", "2", "3"].map((text) => inbox.receive(messageOf(text))));
	assert.deepEqual(
		outcomes.map(({ status }) => status),
		["fulfilled", "rejected", "fulfilled"],
	);
	assert.deepEqual(handled, ["1", "3"]);
});

test("after the session was closed nothing that still waits is handed on", async () => {
	const handled: string[] = [];
	const inbox = new Inbox({ log, together: (handleAll) => handleAll() });
	inbox.add("#", ({ payload }) => {
		handled.push(String(payload));
	});
	void inbox.receive(messageOf("1"));
	inbox.close();
	await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
	assert.deepEqual(handled, []);
});
