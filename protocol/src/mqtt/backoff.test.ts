import assert from "node:assert/strict";
import test from "node:test";
import { backoffMs, refusedBackoffMs } from "./backoff.ts";

const almostOne = () => 1 - Number.EPSILON;

test("the wait's ceiling doubles from one second and stops at a minute", () => {
	const ceilings = [0, 1, 2, 3, 4, 5, 6, 7, 1000].map((failures) =>
		Math.round(backoffMs(failures, almostOne) / 1000),
	);
	assert.deepEqual(ceilings, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
});

test("the wait may be nothing at all, so that a crowd spreads over the whole range", () => {
	assert.equal(
		backoffMs(6, () => 0),
		0,
	);
});

test("a refused password is tried again after half a minute at the earliest and a minute at the latest", () => {
	assert.equal(
		refusedBackoffMs(() => 0),
		30_000,
	);
	assert.ok(refusedBackoffMs(almostOne) <= 60_000);
});
