import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import {
	type ArchiveId,
	ArchiveId as archiveId,
	type KeepChange,
	type RetentionPolicy,
	type RunId,
	resourceKey,
} from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { dieTwice } from "./die-twice.ts";
import { afterEach } from "./doom.ts";
import { openLane } from "./open-lane.ts";
import { openScene, type Scene } from "./open-scene.ts";
import { archiveOf, present } from "./swaps.ts";
import { judge, killAtEach, measure, openTrack, type Track, verifyAll } from "./track.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(600_000);
const newest: RetentionPolicy = { last: 1 };
const all: RetentionPolicy = { last: 50 };
const newestAtOnce: RetentionPolicy = { last: 1, graceSeconds: 0 };

suite("an agent that is killed around the steps of keeping archives and letting them go", {
	skip: unavailable ?? false,
}, () => {
	let scene: Scene;
	let tracks: readonly Track[];
	let first: Track;

	before(async () => {
		scene = await openScene(signal);
		tracks = await Promise.all(
			["kept-one", "kept-two", "kept-three"].map(async (name) => {
				const track = openTrack(await openLane(scene, name));
				for (const label of ["a", "b", "c"]) await archiveOf(track, label);
				return track;
			}),
		);
		first = present(tracks[0]);
	});
	after(async () => {
		for (const { lane } of tracks ?? []) await lane[Symbol.asyncDispose]();
		await scene?.[Symbol.asyncDispose]();
	});

	test("has marked all that is to go or nothing, and removed nothing that can still be kept", async (t) => {
		const dooms = afterEach(await measure(first, prune(first, newest)), ["mark", "remove"]);
		const tally = await killAtEach(dooms, tracks, async (track, deaths) => {
			await quietly(track, prune(track, all));
			const fate = await dieTwice(track.lane, prune(track, newest), deaths);
			const isDone = fate.run.state === "succeeded";
			const wanted = [...track.archives].slice(0, -1).map((id) => [id, isDone ? "marked" : "kept"]);
			assert.deepEqual((await standings(track)).slice(0, -1), wanted, fate.run.state);
			return fate;
		});
		t.diagnostic(tally);
	});

	test("loses no archive that a looser policy keeps again", async (t) => {
		await quietly(first, prune(first, newest));
		const dooms = afterEach(await measure(first, prune(first, all)), ["keep-again", "remove"]);
		const tally = await killAtEach(dooms, tracks, async (track, deaths) => {
			await quietly(track, prune(track, newest));
			const fate = await dieTwice(track.lane, prune(track, all), deaths);
			const words = (await standings(track)).map(([, word]) => word);
			if (fate.run.state === "succeeded")
				assert.ok(
					words.every((word) => word === "kept"),
					words.join(),
				);
			return fate;
		});
		t.diagnostic(tally);
	});

	test("loses no archive that is undeleted", async (t) => {
		for (const track of tracks) await quietly(track, prune(track, newest));
		const undelete = (track: Track) => keep(track, { keep: "undelete", archive: oldest(track) });
		const dooms = afterEach(await measure(first, undelete(first)), ["record"]);
		const tally = await killAtEach(dooms, tracks, async (track, deaths) => {
			await quietly(track, keep(track, { keep: "unpin", archive: oldest(track) }));
			await quietly(track, prune(track, newest));
			const fate = await dieTwice(track.lane, undelete(track), deaths);
			const [, word] = present((await standings(track))[0]);
			// It is one durable write: done, though nobody wrote down that it was, it does no harm.
			assert.ok(word === "pinned" || (word === "marked" && fate.run.state === "failed"), word);
			return fate;
		});
		t.diagnostic(tally);
	});

	test("removes nothing but what was to go, and the next turn ends it", async (t) => {
		for (const track of tracks) await quietly(track, keep(track, { keep: "pin", archive: oldest(track) }));
		const dooms = afterEach(await findRemoval(), ["mark", "remove"]);
		const tally = await killAtEach(dooms, tracks, async (track, deaths) => {
			await archiveOf(track, `more-${track.rounds}`);
			await archiveOf(track, `newest-${track.rounds}`);
			const stays = [oldest(track), present([...track.archives].at(-1))];
			const fate = await dieTwice(track.lane, prune(track, newestAtOnce), deaths);
			const left = await idsOf(track);
			for (const id of stays) assert.ok(left.includes(id), `archive ${id} went`);
			if (fate.run.state === "succeeded") assert.equal(left.length, stays.length);
			track.archives.clear();
			for (const id of left) track.archives.add(id);
			return fate;
		});
		t.diagnostic(tally);
		await Promise.all(
			tracks.map(async (track) => {
				await remove(track);
				assert.equal(track.archives.size, 2);
				await verifyAll(track);
				await track.lane.requireQuietJournal();
			}),
		);
	});

	async function findRemoval() {
		for (const id of [...first.archives].slice(1, -1)) first.archives.delete(id);
		return measure(first, prune(first, newestAtOnce));
	}

	/** A turn that lets all go but the newest and what is pinned. */
	async function remove(track: Track): Promise<void> {
		for (const id of [...track.archives].slice(1, -1)) track.archives.delete(id);
		await quietly(track, prune(track, newestAtOnce));
	}
});

function prune({ lane }: Track, policy: RetentionPolicy): () => RunId {
	return () => lane.ask("volume.prune", { policy });
}

function keep({ lane }: Track, change: KeepChange): () => RunId {
	return () => lane.ask("volume.keep", { change });
}

function oldest({ archives }: Track): ArchiveId {
	return present([...archives][0]);
}

async function quietly(track: Track, ask: () => RunId): Promise<void> {
	const run = await track.lane.ended(ask());
	assert.equal(run.state, "succeeded", JSON.stringify(run.failure));
	await judge(track, run);
}

async function idsOf({ lane }: Track): Promise<ArchiveId[]> {
	const folders = await lane.archiveFolders();
	return folders.map((name) => archiveId.parse(name.slice(name.indexOf("-") + 1)));
}

interface Record {
	readonly archives: { readonly [archive: string]: { readonly mark?: object; readonly pinnedAt?: string } };
}

/** How each archive stands by the agent's own records, oldest first. */
async function standings({ lane, archives }: Track): Promise<(readonly [string, string])[]> {
	const file = join(lane.place.home, "archives/.keeping", `${resourceKey(lane.volume.resource)}.json`);
	// The agent under test wrote it.
	const record = JSON.parse(await readFile(file, "utf8")) as Record;
	return [...archives].map((id) => {
		const { mark, pinnedAt } = record.archives[id] ?? {};
		return [id, pinnedAt !== undefined ? "pinned" : mark !== undefined ? "marked" : "kept"] as const;
	});
}
