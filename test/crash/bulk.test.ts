import assert from "node:assert/strict";
import { after, afterEach, before, suite, test } from "node:test";
import { ResourceState, type RunId, SiteName, topicsOf } from "@davit/protocol";
import { openSession } from "@davit/protocol/mqtt";
import { labAvailability } from "../lab/availability.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { type Lane, openLane } from "./open-lane.ts";
import { openScene, type Scene } from "./open-scene.ts";
import type { Tree } from "./open-volume.ts";
import { judge, noteSwap, openTrack, type Track } from "./track.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(600_000);
/** Copying it takes long enough to be met in the middle. */
const bulkBytes = 200_000_000;

suite(`in the middle of ${bulkBytes / 1e6} MB`, { skip: unavailable ?? false }, () => {
	let scene: Scene;
	let lane: Lane;
	let track: Track;
	let content: Tree;

	before(async () => {
		scene = await openScene(signal);
		lane = await openLane(scene, "bulky");
		track = openTrack(lane);
		await lane.volume.fill("bulky");
		await lane.volume.enlarge(bulkBytes);
		content = await lane.volume.read();
	});
	afterEach(async () => {
		if (!scene.lab.broker.isRunning()) await scene.lab.broker.start();
	});
	after(async () => {
		await lane?.[Symbol.asyncDispose]();
		await scene?.[Symbol.asyncDispose]();
	});

	test("an agent that is killed while writers are paused lets them write again when it comes back", async () => {
		const run = lane.ask("volume.backup", { consistency: "paused" });
		await duringCopy();
		await lane.agent.kill();
		assert.equal(await lane.volume.writerState(), "paused");
		assert.ok(await hasHalfArchive());
		await lane.start();
		await lane.volume.requireContainersAsBefore();
		const ended = await lane.ended(run);
		assert.deepEqual([ended.state, ended.failure?.code], ["failed", "interrupted"]);
		await judge(track, ended);
		assert.deepEqual(await lane.volume.read(), content);
	});

	test("a broker that is killed and wiped during a backup loses nothing of it, and nothing is done twice", async () => {
		const run = lane.ask("volume.backup", { consistency: "paused" });
		await duringCopy();
		await scene.lab.broker.wipe();
		assert.ok(await hasHalfArchive());
		// The agent goes on alone, to the end.
		await pollUntil(async () => !(await hasHalfArchive()), waiting("the archive to be whole"));
		await lane.volume.requireContainersAsBefore();
		await scene.lab.broker.start();
		await requireDoneOnce(run);
	});

	test("a broker that is killed and wiped during a restore loses nothing of it, and nothing is done twice", async () => {
		const archive = [...track.archives].at(-1);
		assert.ok(archive !== undefined);
		const replaced = await lane.volume.fill("replaced");
		const run = lane.apply(await lane.plan({ action: "restore", archive }));
		await pollUntil(async () => (await newFolders()).length === 1, waiting("the archive to be unpacked"));
		await scene.lab.broker.wipe();
		assert.equal((await newFolders()).length, 1);
		await scene.lab.broker.start();
		const ended = await lane.ended(run);
		noteSwap(track, ended, { replaced });
		await requireDoneOnce(run);
		assert.deepEqual(await lane.volume.read(), content);
	});

	function waiting(what: string) {
		return { what, timeoutMs: 60_000, intervalMs: 5, signal, explain: () => lane.agent.lastWords() };
	}

	async function hasHalfArchive(): Promise<boolean> {
		return (await lane.archiveFolders()).some((name) => name.endsWith(".partial"));
	}

	async function newFolders(): Promise<readonly string[]> {
		return (await lane.volume.beside()).filter((name) => name.startsWith(".davit-new-"));
	}

	async function duringCopy(): Promise<void> {
		await pollUntil(hasHalfArchive, waiting("the copy to begin"));
		assert.equal(await lane.volume.writerState(), "paused");
	}

	async function requireDoneOnce(run: RunId): Promise<void> {
		const ended = await lane.ended(run);
		assert.equal(ended.state, "succeeded", JSON.stringify(ended.failure));
		await judge(track, ended);
		const state = await readState();
		assert.equal(state.lastGoodBackup?.id, [...track.archives].at(-1));
		assert.equal(state.archives, track.archives.size);
		assert.equal(scene.desk.hosts({}).items.find(({ host }) => host === lane.place.host)?.online, true);
		const next = await lane.ended(lane.ask("volume.backup"));
		assert.equal(next.state, "succeeded");
		await judge(track, next);
	}

	/** What whoever comes new to the broker is told of the resource. */
	async function readState(): Promise<ResourceState> {
		const quiet = () => undefined;
		const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
		const session = await openSession({ url: scene.lab.broker.url, clientId: "newcomer", log }, signal);
		const told = Promise.withResolvers<ResourceState>();
		const topic = topicsOf(SiteName.parse("home")).resourceState(lane.place.host, lane.volume.resource);
		session.subscribe(topic, ({ payload, retain }) => {
			if (retain) told.resolve(ResourceState.parse(JSON.parse(Buffer.from(payload).toString())));
		});
		try {
			return await told.promise;
		} finally {
			await session.close();
		}
	}
});
