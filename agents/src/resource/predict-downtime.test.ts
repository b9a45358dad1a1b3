import assert from "node:assert/strict";
import { test } from "node:test";
import { sumMedians } from "./predict-downtime.ts";

const mebibyte = 1024 * 1024;
const last = { stopMs: 400, copyMs: 2_500, startMs: 300, contentBytes: 100 * mebibyte };

test("twice the content is predicted to take twice as long to copy; stopping and starting take as long as before", () => {
	const stopped = { consistency: "stopped" } as const;
	assert.equal(sumMedians([last], { ...stopped, contentBytes: 100 * mebibyte }), 3_200);
	assert.equal(sumMedians([last], { ...stopped, contentBytes: 200 * mebibyte }), 5_200);
	assert.equal(sumMedians([last], { ...stopped, contentBytes: 0 }), 1_200);
	assert.equal(sumMedians([last], stopped), 3_200, "as much as the last time where the size is unknown");
});

test("one slow run of three does not move a prediction", () => {
	const slow = { ...last, stopMs: 10_400, copyMs: 60_000, startMs: 9_000 };
	const coming = { consistency: "stopped", contentBytes: 100 * mebibyte } as const;
	assert.equal(sumMedians([last, slow, last], coming), 3_200);
});

test("a snapshot takes as long as the last ones did, whatever the size", () => {
	assert.equal(sumMedians([last], { consistency: "snapshot", contentBytes: 9_000 * mebibyte }), 3_200);
});

test("a copy of almost nothing tells no rate", () => {
	const tiny = { ...last, contentBytes: 10 };
	assert.equal(sumMedians([tiny], { consistency: "paused", contentBytes: 5_000 * mebibyte }), undefined);
	assert.equal(sumMedians([tiny], { consistency: "paused", contentBytes: 1_000 }), 3_200);
});
