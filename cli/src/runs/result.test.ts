import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeParts, ResultLine } from "@davit/protocol";
import { resultOfAll } from "./result.ts";

/** How runs end, as `davit` says it of each alone. */
const ends = [
	["succeeded", null, 0],
	["partial", "source-changed", 3],
	["failed", "disk-full", 1],
	["failed", "archive-corrupt", 7],
	["rejected", "resource-busy", 11],
	["expired", "host-offline", 8],
	["cancelled", "cancelled", 130],
	["inconsistent", "inconsistent", 6],
	["detached", null, 9],
	["detached", "coordinator-unreachable", 8],
] as const;

const lines = ends.map(([outcome, code, exitCode], number) =>
	ResultLine.parse({
		...{
			type: "result",
			schema: "davit/result/1",
			run: `raaaaaaa${"abcdefghij"[number]}`,
			outcome,
			code,
			exitCode,
		},
		...{ archive: null, message: `it ended as ${outcome}`, hint: null, downtimeSeconds: 1, undoUntil: null },
	}),
);

test("what becomes of several runs follows from theirs alone, and is never done where one was not", async () => {
	let judged = 0;
	for (const one of lines) {
		for (const two of lines) {
			for (const three of lines) {
				const parts = [one, two, three];
				const whole = ResultLine.parse(await resultOfAll(parts));
				const isDone = parts.every(({ outcome }) => outcome === "succeeded");
				assert.equal(whole.exitCode === 0, isDone, JSON.stringify(parts));
				const state = judgeParts(parts.map(({ outcome }) => (outcome === "detached" ? "running" : outcome)));
				assert.equal(whole.outcome, state === "running" ? "detached" : state);
				assert.equal((await resultOfAll([three, one, two])).exitCode, whole.exitCode, "in any order");
				assert.deepEqual(
					whole.parts?.map(({ run, outcome, exitCode }) => [run, outcome, exitCode]),
					parts.map(({ run, outcome, exitCode }) => [run, outcome, exitCode]),
				);
				judged += 1;
			}
		}
	}
	assert.equal(judged, 1000);
});

test("several runs end with the number that a script can go by", async () => {
	const [done, partial, failed, corrupt, busy, , cancelled, inconsistent, running] = lines;
	for (const [parts, expected] of [
		[[done, done], 0],
		[[done, partial], 3],
		[[done, failed], 3],
		[[done, busy], 3],
		[[done, cancelled], 3],
		[[done, corrupt], 7],
		[[failed, busy], 1],
		[[busy, busy], 11],
		[[cancelled, cancelled], 130],
		[[done, running], 9],
		[[failed, running], 9],
		[[inconsistent, running, failed], 6],
		[[inconsistent, failed, done], 6],
	] as const) {
		const { exitCode, outcome } = await resultOfAll(parts.filter((part) => part !== undefined));
		assert.equal(exitCode, expected, `${parts.map((part) => part?.outcome)}: ${outcome}`);
	}
	const alone = await resultOfAll(lines.slice(0, 1));
	assert.equal(alone, lines[0]);
});
