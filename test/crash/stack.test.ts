import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { type ArchiveId, BackupResult, isEnded, RestoreResult, type Run, type RunId } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { type Deaths, dieTwice, type Fate, findDooms } from "./die-twice.ts";
import { Place } from "./doom.ts";
import { killEach } from "./kill-each.ts";
import { openScene, type Scene } from "./open-scene.ts";
import { type Content, openStackLane, type StackLane } from "./open-stack-lane.ts";
import { present } from "./swaps.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(900_000);

interface Track {
	readonly lane: StackLane;
	readonly archives: Set<ArchiveId>;
	/** Undos that are kept, by the command that set the data aside. */
	readonly kept: Map<string, Content>;
	/** What restores bring back. */
	wanted?: { readonly archive: ArchiveId; readonly content: Content };
	rounds: number;
}

suite("an agent that is killed in the middle of a whole stack, and again in its next life", {
	skip: unavailable ?? false,
}, () => {
	let scene: Scene;
	let tracks: readonly Track[];

	before(async () => {
		scene = await openScene(signal);
		tracks = await Promise.all(
			["stack-one", "stack-two", "stack-three"].map(async (name) => {
				const lane = await openStackLane(scene, name);
				return { lane, archives: new Set<ArchiveId>(), kept: new Map<string, Content>(), rounds: 0 };
			}),
		);
	});
	after(async () => {
		for (const { lane } of tracks ?? []) await lane[Symbol.asyncDispose]();
		await scene?.[Symbol.asyncDispose]();
	});

	test("leaves a whole archive of a stack or none, and its services as they were", async (t) => {
		const ask =
			({ lane }: Track) =>
			() =>
				lane.askStack("stack.backup", { consistency: "stopped", images: false });
		for (const track of tracks) {
			const content = await track.lane.fill("wanted");
			const run = await track.lane.ended(ask(track)());
			await judge(track, run);
			track.wanted = { content, archive: BackupResult.parse(run.result).archive };
		}
		const places = await measure(present(tracks[0]), ask(present(tracks[0])));
		const tally = await killEach(spread(places), tracks, async (track, deaths) => {
			const content = await track.lane.fill(`backed-up-${track.rounds}`);
			const fate = await die(track, ask(track), deaths);
			assert.deepEqual(await track.lane.read(), content, "a backup changed the data");
			await judge(track, fate.run);
			return fate;
		});
		t.diagnostic(tally);
	});

	test("leaves all of what was there or all of the archive after a restore", async (t) => {
		const first = present(tracks[0]);
		const quiet = await restore(first, "old-0");
		const places = await measure(first, quiet.ask, quiet);
		// At those around the containers a backup has died, and nothing is to be made here.
		const own = spread(places).filter(({ point }) => !/ (quiesce|notice|resume|revive|folders)/.test(point));
		const tally = await killEach(own, tracks, async (track, deaths) =>
			swap(track, await restore(track, `old-${track.rounds}`), deaths),
		);
		t.diagnostic(tally);
	});

	test("leaves all of what was there or all that was kept after an undo", async (t) => {
		for (const track of tracks) {
			const { ask, ...swapped } = await restore(track, `kept-${track.rounds}`);
			await judge(track, await track.lane.ended(ask()), swapped);
		}
		const first = present(tracks[0]);
		const quiet = await undo(first);
		const places = await measure(first, quiet.ask, quiet);
		const own = spread(places.slice(1)).filter(({ point }) => / (set|put|swap|up|keep)/.test(point));
		const tally = await killEach(own, tracks, async (track, deaths) =>
			swap(track, await undo(track), deaths),
		);
		t.diagnostic(tally);
	});

	test("leaves nothing or all of it after a restore where nothing was", async (t) => {
		const first = present(tracks[0]);
		await first.lane.wipe();
		const quiet = await restore(first);
		const places = await measure(first, quiet.ask, quiet);
		// Its other steps died above.
		const own = spread(places).filter(({ point }) => / (folders|create|networks|keep)/.test(point));
		const tally = await killEach(own, tracks, async (track, deaths) => {
			if ((await track.lane.read()).environment !== undefined) await track.lane.wipe();
			return swap(track, await restore(track), deaths);
		});
		t.diagnostic(tally);
	});

	test("has made only archives that can be read back, and holds no lock and no unsaid word", async () => {
		for (const { lane, archives } of tracks) {
			for (const archive of archives) {
				const run = await lane.ended(lane.askStack("stack.verify", { archive }));
				assert.equal(run.state, "succeeded", JSON.stringify(run.failure));
			}
			await lane.requireQuietJournal();
		}
		const others = scene.complaints.filter((sentence) => !sentence.startsWith("a host is offline"));
		assert.deepEqual(others, []);
	});
});

/** What a swap replaces, and what will be there when it was done. */
interface Swapped {
	readonly old: Content;
	readonly content: Content;
	/** Of an undo: whose kept data comes back. */
	readonly undone?: string;
}

type Planned = Swapped & { readonly ask: () => RunId };

async function swap(track: Track, { ask, ...swapped }: Planned, deaths: Deaths): Promise<Fate> {
	const fate = await die(track, ask, deaths);
	const expected = fate.run.state === "succeeded" ? swapped.content : swapped.old;
	assert.deepEqual(await track.lane.read(), expected, `after it ${fate.run.state}`);
	await judge(track, fate.run, swapped);
	return fate;
}

/** Places are called after the first lane's volume and folders. */
function die({ lane }: Track, ask: () => RunId, { first, second }: Deaths): Promise<Fate> {
	const { point, time } = Place.parse(first);
	return dieTwice(lane, ask, { first: { point: point.replaceAll("stack-one", lane.stack), time }, second });
}

/** A restore that is about to be asked for; without a label over what is there. */
async function restore({ lane, wanted }: Track, label?: string): Promise<Planned> {
	const old = label === undefined ? await lane.read() : await lane.fill(label);
	const { archive, content } = present(wanted);
	const plan = await lane.plan({ action: "restore", archive });
	return { old, content, ask: () => lane.apply(plan) };
}

async function undo({ lane, kept }: Track): Promise<Planned> {
	const [undone, content] = present([...kept].at(-1));
	const plan = await lane.plan({ action: "undo" });
	return { old: await lane.read(), content, undone, ask: () => lane.apply(plan) };
}

/** One quiet run tells all places to die at. */
async function measure(track: Track, ask: () => RunId, swapped?: Swapped): Promise<readonly Place[]> {
	const { dooms, run } = await findDooms(track.lane, ask);
	await judge(track, run, swapped);
	assert.equal(run.state, "succeeded", JSON.stringify(run.failure));
	return dooms.flatMap((doom) => Place.safeParse(doom).data ?? []);
}

/** One place of each kind of step: by turns before it, and after it where that was not written down. */
function spread(places: readonly Place[]): readonly Place[] {
	const kinds = new Map<string, Place[]>();
	for (const place of places) {
		const [, kind = "", name = ""] = /^(after intent|before done) (\S+)/.exec(place.point) ?? [];
		if (kind !== "") kinds.set(name, [...(kinds.get(name) ?? []), place]);
	}
	assert.ok(kinds.size >= 7, `only ${kinds.size} kinds of steps`);
	// Of parts the last: then the others are done already.
	return [...kinds.values()].map((of, index) => present(of.at(index % 2 === 0 ? -1 : -2)));
}

/** Whatever happened: one true end, nothing half, nothing left behind, and the services run. */
async function judge({ lane, archives, kept }: Track, run: Run, swapped?: Swapped): Promise<void> {
	assert.ok(
		run.state === "succeeded" || (run.state === "failed" && run.failure?.code === "interrupted"),
		`the run is ${run.state}: ${JSON.stringify(run.failure ?? run.result)}\n${await lane.agent.lastWords()}`,
	);
	const isDone = run.state === "succeeded";
	if (!isDone && swapped !== undefined && swapped.old.environment === undefined) await lane.requireEmpty();
	else await lane.requireServing();
	if (isDone && swapped === undefined) archives.add(BackupResult.parse(run.result).archive);
	if (isDone && swapped !== undefined) {
		kept.delete(swapped.undone ?? "");
		kept.set(present(RestoreResult.parse(run.result).undo), swapped.old);
	}
	const folders = await lane.archiveFolders();
	assert.deepEqual(folders.map((name) => name.slice(name.indexOf("-") + 1)).sort(), [...archives].sort());
	await lane.listed(archives);
	const strangers = (await lane.remains()).filter(
		(name) => ![...kept.keys()].some((one) => name.includes(one)),
	);
	assert.deepEqual(strangers, [], `left behind after it ${run.state}`);
	const open = lane.runs().filter(({ state }) => !isEnded(state));
	assert.deepEqual(open, [], "runs without an end");
	lane.requireOneEnd(run);
}
