import assert from "node:assert/strict";
import test from "node:test";
import { writePoints } from "@davit/coordinator/history/history.ts";
import { playSeeds } from "./play-seeds.ts";
import { shortenIds } from "./shorten-ids.ts";
import { simulate } from "./simulate.ts";
import { calm } from "./weather.ts";

const seeds = 2_000;

test("in 2,000 lives of storms, crashes and intruders every promise is kept", async (context) => {
	const { tally, runs, failed, durationMs } = await playSeeds(1, seeds);
	const days = (durationMs / 86_400_000).toFixed(1);
	context.diagnostic(`${seeds} seeds, ${runs} runs, ${days} simulated days`);
	for (const [what, times] of [...tally].sort()) context.diagnostic(`${times} × ${what}`);
	const lines = failed.flatMap(({ seed, violations }) => [
		`node test/simulation/main.ts --seed ${seed} --verbose`,
		...violations.slice(0, 3).map(({ promise, sentence }) => `  ${promise}: ${sentence}`),
	]);
	assert.equal(failed.length, 0, `${failed.length} seeds break a promise:\n${lines.slice(0, 40).join("\n")}`);
	assert.deepEqual(missing(tally), [], "these faults never fired, so nothing was proven of them");
	assert.ok(runs > seeds, `${runs} runs are too few to prove anything`);
});

test("in calm weather nothing that is asked for goes wrong", async () => {
	for (let seed = 1; seed <= 20; seed += 1) {
		const { violations, tally } = await simulate({ seed, weather: calm });
		assert.deepEqual(violations, [], `seed ${seed}`);
		const ends = [...tally.keys()].filter((what) => what.startsWith("run "));
		const bad = ends.filter(
			(what) => !/ (succeeded|partial|cancelled)$/.test(what) && !what.startsWith("run plan"),
		);
		assert.deepEqual(bad, [], `seed ${seed}`);
		assert.ok(ends.length > 0, `seed ${seed}: nothing happened`);
	}
});

test("the same seed tells the same story, so that a failure can be played again", async () => {
	for (const seed of [1, 2, 3]) {
		const stories = [await storyOf(seed), await storyOf(seed)];
		assert.ok((stories[0] ?? []).length > 30, `seed ${seed} tells little`);
		assert.deepEqual(stories[0], stories[1], `seed ${seed}`);
	}
});

async function storyOf(seed: number): Promise<string[]> {
	const lines: string[] = [];
	const names = new Map<string, string>();
	await simulate({ seed, tell: (line) => lines.push(shortenIds(line, names)) });
	return lines;
}

/** Faults that have to fire, and ends that have to be seen, for a run of many seeds to mean something. */
function missing(tally: ReadonlyMap<string, number>): string[] {
	const journalPoints = ["open", "accept", "start", "prepared", "intent", "done", "undoing", "undone", "end"];
	const rare = ["schedule", "due", "cleared", "account", "invitation", "reissue"];
	const historyPoints = writePoints.filter((point) => !rare.includes(point));
	const messages = [
		"forged",
		"forged with a known id",
		"foreign",
		"replayed",
		"retained",
		"expired",
		"stale",
	];
	return [
		...[
			"drop",
			"duplicate",
			"delay",
			"partition",
			"broker wiped",
			"journal lost",
			"failure",
			"lasting failure",
		],
		...["agent crash at an effect", "agent crash twice in a row", "coordinator crash twice in a row"],
		...[...journalPoints, "load", "welcome", "receipt"].flatMap((point) => [
			`agent crash before ${point}`,
			`agent crash after ${point}`,
		]),
		...historyPoints.flatMap((point) => [
			`coordinator crash before-commit ${point}`,
			`coordinator crash after-commit ${point}`,
		]),
		...[...messages, "altered", "of another version", "garbage"].map((kind) => `${kind} message`),
		...["lie of another host", "run backup succeeded", "run restore succeeded", "run undo succeeded"],
		...[
			"run prune succeeded",
			"run verify succeeded",
			"run host.backup succeeded",
			"run restore cancelled",
			"run restore inconsistent",
		],
	].filter((what) => !tally.has(what));
}
