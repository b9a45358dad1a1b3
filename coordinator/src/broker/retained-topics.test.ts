import assert from "node:assert/strict";
import test from "node:test";
import { RetainedTopics } from "./retained-topics.ts";

function keep(...topics: string[]) {
	const kept = new RetainedTopics<{ topic: string; at: number }>();
	for (const [at, topic] of topics.entries()) kept.set({ topic, at });
	return kept;
}

const found = (kept: RetainedTopics<{ topic: string; at: number }>, filter: string) =>
	[...kept.match(filter)].map(({ topic }) => topic).sort();

test("retained messages are found as MQTT says", () => {
	const kept = keep("a", "a/b", "a/b/c", "a/x/c", "/a", "$SYS/a", "b");
	assert.deepEqual(found(kept, "a/b"), ["a/b"]);
	assert.deepEqual(found(kept, "a/+"), ["a/b"]);
	assert.deepEqual(found(kept, "a/+/c"), ["a/b/c", "a/x/c"]);
	assert.deepEqual(found(kept, "a/#"), ["a", "a/b", "a/b/c", "a/x/c"]);
	assert.deepEqual(found(kept, "#"), ["/a", "a", "a/b", "a/b/c", "a/x/c", "b"]);
	assert.deepEqual(found(kept, "+/a"), ["/a"]);
	assert.deepEqual(found(kept, "+"), ["a", "b"]);
	assert.deepEqual(found(kept, "$SYS/#"), ["$SYS/a"]);
	assert.deepEqual(found(kept, "c"), []);
	assert.deepEqual(found(kept, "a/b/c/d"), []);
});

test("a message replaces the one before it on the same topic", () => {
	const kept = keep("a/b", "a/b");
	assert.equal(kept.size, 1);
	assert.deepEqual([...kept.match("a/b")], [{ topic: "a/b", at: 1 }]);
});

test("deleting takes one topic and leaves those above, below and beside it", () => {
	const kept = keep("a", "a/b", "a/b/c", "a/d");
	kept.delete("a/b");
	kept.delete("a/never");
	kept.delete("a/b");
	assert.deepEqual(found(kept, "#"), ["a", "a/b/c", "a/d"]);
	assert.equal(kept.size, 3);
	for (const topic of ["a", "a/b/c", "a/d"]) kept.delete(topic);
	assert.equal(kept.size, 0);
	assert.deepEqual(found(kept, "#"), []);
});

test("messages may be deleted while they are walked through", () => {
	const kept = keep("a/1", "a/2", "a/3");
	for (const { topic } of kept.match("a/+")) kept.delete(topic);
	assert.equal(kept.size, 0);
});
