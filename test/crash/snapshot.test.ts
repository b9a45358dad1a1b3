import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { BackupResult } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { openSmallDisk } from "../lab/fault/open-small-disk.ts";
import { dieTwice } from "./die-twice.ts";
import { openLane } from "./open-lane.ts";
import { openScene, type Scene } from "./open-scene.ts";
import { killAtEach, measure, openTrack, type Track } from "./track.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(600_000);
const consistency = "snapshot";
/** What a backup with a snapshot has beside others, which agent.test.ts kills: its own steps, and the copy between them. */
const ownPlaces = /(?:snapshot|after intent copy|before done copy|after done verify)"/;

suite("an agent that is killed before, in and after each step of a snapshot", {
	skip: unavailable ?? false,
}, () => {
	let scene: Scene;
	let tracks: readonly Track[];
	const disks = new AsyncDisposableStack();

	before(async () => {
		scene = await openScene(signal);
		tracks = await Promise.all(
			(["btrfs", "xfs"] as const).flatMap((fileSystem) =>
				["one", "two"].map(async (name) => {
					const lane = `${fileSystem}-${name}`;
					const path = join(scene.host.dataRoot, "volumes", `${lane}-volume`);
					disks.use(await openSmallDisk({ path, megabytes: 320, fileSystem }, signal));
					return openTrack(await openLane(scene, lane));
				}),
			),
		);
	});
	after(async () => {
		for (const { lane } of tracks ?? []) await lane[Symbol.asyncDispose]();
		const containers = (await scene.host.docker(["ps", "-aq"])).split("\n").filter(Boolean);
		await scene.host.docker(["rm", "--force", ...containers]);
		await disks.disposeAsync();
		await scene[Symbol.asyncDispose]();
	});

	test("leaves a whole archive or none, its writers as they were, and no snapshot", async (t) => {
		const [first] = tracks;
		assert.ok(first !== undefined);
		const ask = (track: Track) => () => track.lane.ask("volume.backup", { consistency });
		const places = await measure(first, ask(first));
		const dooms = places.filter((doom) => ownPlaces.test(JSON.stringify(doom)));
		assert.ok(dooms.length >= 10, `only ${dooms.length} places around the snapshot`);
		const tally = await killAtEach(dooms, tracks, async (track, deaths) => {
			const content = await track.lane.volume.fill(`before-${track.rounds}`);
			const fate = await dieTwice(track.lane, ask(track), deaths);
			assert.deepEqual(await track.lane.volume.read(), content, "a backup changed the data");
			assert.deepEqual(await recordsOf(track), [], "a snapshot is still written down");
			if (fate.run.state === "succeeded") {
				assert.equal(BackupResult.parse(fate.run.result).consistency, "snapshot");
			}
			return fate;
		});
		t.diagnostic(tally);
	});
});

/** Snapshots that the agent believes are there; that none is beside the data is judged after each round. */
async function recordsOf({ lane }: Track): Promise<readonly string[]> {
	return (await readdir(join(lane.place.home, "agent"))).includes("snapshots")
		? readdir(join(lane.place.home, "agent", "snapshots"))
		: [];
}
