import assert from "node:assert/strict";
import {
	type ArchiveId,
	BackupResult,
	type FailureCode,
	isEnded,
	RestoreResult,
	type Run,
	type RunId,
} from "@davit/protocol";
import { type Deaths, type Fate, findDooms } from "./die-twice.ts";
import type { Doom } from "./doom.ts";
import { killEach } from "./kill-each.ts";
import type { Lane } from "./open-lane.ts";
import type { Tree } from "./open-volume.ts";

/** What must be true of a lane by all that was said of its runs. */
export interface Track {
	readonly lane: Lane;
	/** Of runs that succeeded, and of no other. */
	readonly archives: Set<ArchiveId>;
	/** Data that was set aside and is kept, by the command that did it. */
	readonly kept: Map<string, Tree>;
	/** What a run may fail with. */
	readonly failure: FailureCode;
	rounds: number;
}

export function openTrack(lane: Lane, failure: FailureCode = "interrupted"): Track {
	return { lane, archives: new Set(), kept: new Map(), failure, rounds: 0 };
}

type Round = (track: Track, deaths: Deaths) => Promise<Fate>;

/** One quiet run tells all places to die at. The lane is judged after it as after all others. */
export async function measure(track: Track, ask: () => RunId, swapped?: Swapped): Promise<readonly Doom[]> {
	const { dooms, run } = await findDooms(track.lane, ask);
	assert.equal(run.state, "succeeded", JSON.stringify(run.failure));
	if (swapped !== undefined) noteSwap(track, run, swapped);
	await judge(track, run);
	assert.ok(dooms.length > 15, `only ${dooms.length} places to die`);
	return dooms;
}

/** Gives every doom a round, as many at once as there are tracks, and judges each. Says what came of them. */
export function killAtEach(dooms: readonly Doom[], tracks: readonly Track[], round: Round): Promise<string> {
	return killEach(dooms, tracks, async (track, deaths) => {
		const fate = await round(track, deaths);
		await judge(track, fate.run);
		return fate;
	});
}

/** Whatever happened: one true end, nothing half, nothing left behind, everybody as before. */
export async function judge({ lane, archives, kept, failure }: Track, run: Run): Promise<void> {
	assert.ok(
		run.state === "succeeded" || (run.state === "failed" && run.failure?.code === failure),
		`the run is ${run.state}: ${JSON.stringify(run.failure)}\n${await lane.agent.lastWords()}`,
	);
	await lane.volume.requireContainersAsBefore();
	if (run.state === "succeeded" && run.operation === "volume.backup") {
		archives.add(BackupResult.parse(run.result).archive);
	}
	const folders = await lane.archiveFolders();
	assert.deepEqual(
		folders.map((name) => name.slice(name.indexOf("-") + 1)).sort(),
		[...archives].sort(),
		`archives on the disk after it ${run.state}`,
	);
	await lane.listed(archives);
	assert.deepEqual(
		await lane.volume.beside(),
		[...kept.keys()].map((command) => `.davit-undo-${command}`).sort(),
	);
	const runs = lane.runs();
	assert.equal(runs.filter(({ request }) => request === run.request).length, 1, "runs of one request");
	assert.deepEqual(
		runs.filter(({ state }) => !isEnded(state)),
		[],
		"runs without an end",
	);
	lane.requireOneEnd(run);
}

/** A swap that was done has set aside what was there; `undone` came back with it. */
export function noteSwap({ kept }: Track, run: Run, { replaced, undone }: Swapped): void {
	if (run.state !== "succeeded") return;
	if (undone !== undefined) kept.delete(undone);
	const { undo } = RestoreResult.parse(run.result);
	assert.ok(undo !== undefined, "a swap that keeps nothing");
	kept.set(undo, replaced);
}

export interface Swapped {
	readonly replaced: Tree;
	readonly undone?: string;
}

/** Every archive that a run said it made can be read back. */
export async function verifyAll({ lane, archives }: Track): Promise<void> {
	for (const archive of archives) {
		const run = await lane.ended(lane.ask("volume.verify", { archive }));
		assert.equal(run.state, "succeeded", `archive ${archive}: ${JSON.stringify(run.failure)}`);
	}
}
