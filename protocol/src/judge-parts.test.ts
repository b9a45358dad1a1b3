import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeParts } from "./judge-parts.ts";
import { isEnded, RunState } from "./run.ts";

const states = RunState.options;

test("in a million generated outcomes none is called succeeded of which a part did not succeed", () => {
	const draw = openDraw(20_261_128);
	const seen = new Map<RunState, number>();
	for (let round = 0; round < 1_000_000; round += 1) {
		// Half of them nearly all good, where a careless rule would say succeeded.
		const isGenerous = draw(2) === 0;
		const parts = Array.from(
			{ length: draw(9) },
			(): RunState => (isGenerous && draw(8) !== 0 ? "succeeded" : (states[draw(states.length)] ?? "failed")),
		);
		const whole = judgeParts(parts);
		seen.set(whole, (seen.get(whole) ?? 0) + 1);
		const isAllGood = parts.length > 0 && parts.every((state) => state === "succeeded");
		if ((whole === "succeeded") !== isAllGood) assert.fail(`${parts.join(", ")} was called ${whole}`);
		if (isEnded(whole) && !parts.every(isEnded))
			assert.fail(`${parts.join(", ")} was called ended: ${whole}`);
		if (parts.includes("inconsistent") && isEnded(whole) && whole !== "inconsistent") {
			assert.fail(`${parts.join(", ")} hides what is inconsistent`);
		}
		if (whole === "partial" && !parts.some((state) => state === "succeeded" || state === "partial")) {
			assert.fail(`${parts.join(", ")} did nothing and was called partial`);
		}
	}
	// Every word that there is was drawn: the property was not proven of a corner.
	assert.deepEqual([...seen.keys()].sort(), states.filter((state) => state !== "accepted").sort());
});

test("the order of parts does not matter, and a part that is added never makes the whole better", () => {
	for (const first of states) {
		for (const second of states) {
			assert.equal(judgeParts([first, second]), judgeParts([second, first]), `${first}, ${second}`);
			if (judgeParts([first]) !== "succeeded") assert.notEqual(judgeParts([first, second]), "succeeded");
		}
	}
});

test("one that failed among good ones leaves the whole partial, and nothing at all is no success", () => {
	assert.equal(judgeParts(["succeeded", "failed"]), "partial");
	assert.equal(judgeParts(["failed", "rejected"]), "failed");
	assert.equal(judgeParts(["cancelled", "cancelled"]), "cancelled");
	assert.equal(judgeParts([]), "failed");
});

/** Numbers below `limit` from a seed (xorshift), the same in every run. */
function openDraw(seed: number): (limit: number) => number {
	let state = seed;
	return (limit) => {
		state ^= state << 13;
		state ^= state >>> 17;
		state ^= state << 5;
		return (state >>> 0) % limit;
	};
}
