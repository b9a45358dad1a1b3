import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { agentOf } from "@davit/agents/container/run-contained.ts";
import { labAvailability } from "../lab/availability.ts";
import { dieTwice } from "./die-twice.ts";
import { openLane } from "./open-lane.ts";
import { openScene, type Scene } from "./open-scene.ts";
import { archiveOf, type Planned, present, swap, type Wanted } from "./swaps.ts";
import { judge, killAtEach, measure, noteSwap, openTrack, type Track, verifyAll } from "./track.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(900_000);

suite("an agent that is killed at any write of its journal, and again in its next life", {
	skip: unavailable ?? false,
}, () => {
	let scene: Scene;
	let tracks: readonly Track[];

	before(async () => {
		scene = await openScene(signal);
		tracks = await Promise.all(
			["one", "two", "three"].map(async (name) => openTrack(await openLane(scene, name))),
		);
	});
	after(async () => {
		for (const { lane } of tracks ?? []) await lane[Symbol.asyncDispose]();
		await scene?.[Symbol.asyncDispose]();
	});

	for (const consistency of ["paused", "stopped"] as const) {
		test(`leaves a whole archive of a ${consistency} backup or none, and its writers as they were`, async (t) => {
			const ask = (track: Track) => () => track.lane.ask("volume.backup", { consistency });
			const [first] = tracks;
			const dooms = await measure(present(first), ask(present(first)));
			const tally = await killAtEach(dooms, tracks, async (track, deaths) => {
				const before = await track.lane.volume.fill(`before-${track.rounds}`);
				const fate = await dieTwice(track.lane, ask(track), deaths);
				assert.deepEqual(await track.lane.volume.read(), before, "a backup changed the data");
				return fate;
			});
			t.diagnostic(tally);
		});
	}

	test("leaves all of the old data or all of the archive's after a restore", async (t) => {
		const wanted = new Map<Track, Wanted>();
		for (const track of tracks) wanted.set(track, await archiveOf(track, "wanted"));
		const [first] = tracks;
		const quiet = await restore(present(first), present(wanted.get(present(first))));
		const dooms = await measure(present(first), quiet.ask, quiet.swapped);
		const tally = await killAtEach(dooms, tracks, async (track, deaths) =>
			swap(track, await restore(track, present(wanted.get(track))), deaths),
		);
		t.diagnostic(tally);
	});

	test("leaves nothing of a drill but its proof, and that only where it was done", async (t) => {
		for (const track of tracks) await archiveOf(track, "drilled");
		const ask = ({ lane, archives }: Track) => {
			const archive = present([...archives].at(-1));
			return () => lane.ask("volume.drill", { archive });
		};
		const [first] = tracks;
		const dooms = await measure(present(first), ask(present(first)));
		const tally = await killAtEach(dooms, tracks, async (track, deaths) => {
			const { lane, archives } = track;
			const before = await lane.volume.fill(`before-${track.rounds}`);
			const proof = await lane.lastDrill(present([...archives].at(-1)));
			const fate = await dieTwice(lane, ask(track), deaths);
			assert.deepEqual(await lane.volume.read(), before, "a drill changed the data");
			assert.deepEqual(await lane.volume.scratches(agentOf(lane.place.home)), [], "what a drill made");
			const isProven = (await lane.lastDrill(present([...archives].at(-1)))) !== proof;
			assert.equal(isProven, fate.run.state === "succeeded", "whether it is proven");
			return fate;
		});
		t.diagnostic(tally);
	});

	test("leaves all of the data that was there or all that was kept after an undo", async (t) => {
		for (const track of tracks) {
			const { ask, swapped } = await restore(track, await archiveOf(track, "restored"));
			const run = await track.lane.ended(ask());
			noteSwap(track, run, swapped);
			await judge(track, run);
		}
		const [first] = tracks;
		const quiet = await undo(present(first));
		const dooms = await measure(present(first), quiet.ask, quiet.swapped);
		const tally = await killAtEach(dooms, tracks, async (track, deaths) =>
			swap(track, await undo(track), deaths),
		);
		t.diagnostic(tally);
	});

	test("has made only archives that can be read back, and holds no lock and no unsaid word", async () => {
		for (const track of tracks) {
			await verifyAll(track);
			const run = await track.lane.ended(track.lane.ask("volume.backup"));
			assert.equal(run.state, "succeeded");
			await judge(track, run);
			await track.lane.requireQuietJournal();
		}
		// That a host went away is all that the coordinator found to say.
		const others = scene.complaints.filter((sentence) => !sentence.startsWith("a host is offline"));
		assert.deepEqual(others, []);
	});
});

async function restore({ lane, rounds }: Track, { tree, archive }: Wanted): Promise<Planned> {
	const replaced = await lane.volume.fill(`old-${rounds}`);
	const plan = await lane.plan({ action: "restore", archive });
	return { swapped: { replaced }, wanted: tree, ask: () => lane.apply(plan) };
}

async function undo({ lane, kept }: Track): Promise<Planned> {
	const [undone, wanted] = present([...kept].at(-1));
	const plan = await lane.plan({ action: "undo" });
	const replaced = await lane.volume.read();
	return { swapped: { replaced, undone }, wanted, ask: () => lane.apply(plan) };
}
