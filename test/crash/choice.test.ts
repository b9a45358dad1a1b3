import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type ArchiveId, InnerPath, RestoreResult } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { type Deaths, dieTwice, type Fate } from "./die-twice.ts";
import { afterEach, type Doom } from "./doom.ts";
import { openLane } from "./open-lane.ts";
import { openScene, type Scene } from "./open-scene.ts";
import { readTree, type Tree } from "./open-volume.ts";
import { archiveOf, type Planned, present, swap, type Wanted } from "./swaps.ts";
import { killAtEach, measure, openTrack, type Track } from "./track.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(600_000);

suite("an agent that is killed around every step while it restores a part, merges, restores beside or copies", {
	skip: unavailable ?? false,
}, () => {
	let scene: Scene;
	let tracks: readonly Track[];
	const wanted = new Map<Track, Wanted>();

	before(async () => {
		scene = await openScene(signal);
		tracks = await Promise.all(
			["part-one", "part-two", "part-three"].map(async (name) => openTrack(await openLane(scene, name))),
		);
		for (const track of tracks) wanted.set(track, await archiveOf(track, "wanted"));
	});
	after(async () => {
		for (const { lane } of tracks ?? []) await lane[Symbol.asyncDispose]();
		await scene?.[Symbol.asyncDispose]();
	});

	test("leaves all of the old data, or it with all that was chosen", async (t) => {
		const [first] = tracks;
		const quiet = await restorePart(present(first), present(wanted.get(present(first))));
		const dooms = ownOf(await measure(present(first), quiet.ask, quiet.swapped));
		const tally = await killAtEach(dooms, tracks, async (track, deaths) =>
			swap(track, await restorePart(track, present(wanted.get(track))), deaths),
		);
		t.diagnostic(tally);
	});

	test("leaves a whole new volume or none, and the original as it was", async (t) => {
		const [first] = tracks;
		const quiet = await restoreBeside(present(first), present(wanted.get(present(first))).archive);
		const dooms = ownOf(await measure(present(first), quiet.ask));
		await quiet.remove();
		const tally = await killAtEach(dooms, tracks, async (track, deaths) =>
			beside(track, present(wanted.get(track)), deaths),
		);
		t.diagnostic(tally);
	});

	test("leaves all of the old data, or it with all of the archive's over it, after a merge", async (t) => {
		const [first] = tracks;
		const quiet = await merge(present(first), present(wanted.get(present(first))));
		const dooms = afterEach(await measure(present(first), quiet.ask, quiet.swapped), [
			...["compose", "check", "set-aside", "put-in-place"],
		]);
		const tally = await killAtEach(dooms, tracks, async (track, deaths) =>
			swap(track, await merge(track, present(wanted.get(track))), deaths),
		);
		t.diagnostic(tally);
	});

	test("leaves a whole copy or none, and the original and its writers as they were", async (t) => {
		const [first] = tracks;
		const quiet = copy(present(first));
		const dooms = afterEach(await measure(present(first), quiet.ask), [
			...["create", "quiesce", "copy", "notice", "resume", "check", "settle"],
		]);
		await quiet.remove();
		const tally = await killAtEach(dooms, tracks, async (track, deaths) => {
			const original = await track.lane.volume.fill(`copied-${track.rounds}`);
			const { ask, folder, remove } = copy(track);
			const fate = await dieTwice(track.lane, ask, deaths);
			assert.deepEqual(await track.lane.volume.read(), original, "the original");
			if (fate.run.state === "succeeded") {
				assert.deepEqual(await readTree(folder), original);
				assert.deepEqual(await readdir(dirname(folder)), ["_data"], "what it kept beside the copy");
				await remove();
			} else assert.equal(existsSync(dirname(folder)), false, `half a volume ${folder}`);
			return fate;
		});
		t.diagnostic(tally);
	});

	function copy({ lane, rounds }: Track) {
		const as = `${lane.volume.volume}-copied-${rounds}`;
		return {
			folder: join(scene.host.dataRoot, "volumes", as, "_data"),
			ask: () => lane.ask("volume.copy", { as }),
			remove: () => scene.host.docker(["volume", "rm", as]),
		};
	}

	async function beside(track: Track, { tree, archive }: Wanted, deaths: Deaths): Promise<Fate> {
		const original = await track.lane.volume.read();
		const { ask, folder, name, remove } = await restoreBeside(track, archive);
		const fate = await dieTwice(track.lane, ask, deaths);
		assert.deepEqual(await track.lane.volume.read(), original, "the original");
		if (fate.run.state === "succeeded") {
			assert.equal(RestoreResult.parse(fate.run.result).as, `volume:${name}`);
			assert.deepEqual(await readTree(folder), tree);
			await remove();
		} else assert.equal(existsSync(dirname(folder)), false, `half a volume ${name}`);
		return fate;
	}

	async function restoreBeside({ lane, rounds }: Track, archive: ArchiveId) {
		const name = `${lane.volume.volume}-copy-${rounds}`;
		const plan = await lane.plan({ action: "restore", archive, as: name });
		assert.deepEqual(plan.facts.blockers, []);
		return {
			name,
			folder: join(scene.host.dataRoot, "volumes", name, "_data"),
			ask: () => lane.apply(plan),
			remove: () => scene.host.docker(["volume", "rm", name]),
		};
	}
});

/** The writes of the steps that make and move data: all others are those of a whole restore, at each of which agent.test.ts kills. */
function ownOf(dooms: readonly Doom[]): readonly Doom[] {
	const own = dooms.filter(
		(doom) =>
			typeof doom === "object" &&
			"point" in doom &&
			/^(?:after intent|before done|after done) (?:create|unpack|compose|check|set-aside|put-in-place|settle)$/.test(
				doom.point,
			),
	);
	assert.ok(own.length >= 12, `only ${own.length} writes around the steps`);
	return own;
}

const paths = ["only-wanted", "version"].map((path) => InnerPath.parse(path));

async function merge({ lane, rounds }: Track, { tree, archive }: Wanted): Promise<Planned> {
	const replaced = await lane.volume.fill(`old-${rounds}`);
	const plan = await lane.plan({ action: "restore", archive, merge: true });
	return { swapped: { replaced }, wanted: { ...replaced, ...tree }, ask: () => lane.apply(plan) };
}

async function restorePart({ lane, rounds }: Track, { tree, archive }: Wanted): Promise<Planned> {
	const replaced = await lane.volume.fill(`old-${rounds}`);
	const plan = await lane.plan({ action: "restore", archive, paths });
	const chosen: Tree = Object.fromEntries(
		Object.entries(tree).filter(([path]) => paths.some((one) => one === path || path.startsWith(`${one}/`))),
	);
	return { swapped: { replaced }, wanted: { ...replaced, ...chosen }, ask: () => lane.apply(plan) };
}
