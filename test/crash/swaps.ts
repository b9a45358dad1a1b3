import assert from "node:assert/strict";
import { type ArchiveId, BackupResult, type Run, type RunId } from "@davit/protocol";
import { type Deaths, dieTwice, type Fate } from "./die-twice.ts";
import type { Tree } from "./open-volume.ts";
import { judge, noteSwap, type Swapped, type Track } from "./track.ts";

export interface Wanted {
	readonly tree: Tree;
	readonly archive: ArchiveId;
}

/** A restore or an undo that is about to be asked for. */
export interface Planned {
	readonly swapped: Swapped;
	/** What will be there when it was done. */
	readonly wanted: Tree;
	readonly ask: () => RunId;
}

export async function swap(track: Track, { swapped, wanted, ask }: Planned, deaths: Deaths): Promise<Fate> {
	const fate = await dieTwice(track.lane, ask, deaths);
	const expected = fate.run.state === "succeeded" ? wanted : swapped.replaced;
	assert.deepEqual(await track.lane.volume.read(), expected, `data after ${tellEnd(fate.run)}`);
	noteSwap(track, fate.run, swapped);
	return fate;
}

export async function archiveOf(track: Track, label: string): Promise<Wanted> {
	const tree = await track.lane.volume.fill(label);
	const run = await track.lane.ended(track.lane.ask("volume.backup"));
	await judge(track, run);
	return { tree, archive: BackupResult.parse(run.result).archive };
}

function tellEnd({ state, failure, result }: Run): string {
	return `${state}, ${JSON.stringify(failure ?? result)}`;
}

export function present<Value>(value: Value | undefined): Value {
	assert.ok(value !== undefined);
	return value;
}
