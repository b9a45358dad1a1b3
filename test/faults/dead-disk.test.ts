import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type Lane, openLane } from "../crash/open-lane.ts";
import { openScene, type Scene } from "../crash/open-scene.ts";
import { labAvailability } from "../lab/availability.ts";
import { openSmallDisk } from "../lab/fault/open-small-disk.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { run as runProgram } from "../lab/process/run.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);
/** Copying it takes long enough to be met in the middle. */
const bulkBytes = 120_000_000;

suite("a disk of archives that dies in the middle of a backup", { skip: unavailable ?? false }, () => {
	let scene: Scene;
	let lane: Lane;
	let path: string;
	const disks = new AsyncDisposableStack();

	before(async () => {
		scene = await openScene(signal);
		path = join(scene.lab.folder, "on-dying-disk", "archives");
		disks.use(await openSmallDisk({ path, megabytes: 320, fileSystem: "xfs" }, signal));
		lane = await openLane(scene, "on-dying-disk");
		await lane.volume.enlarge(bulkBytes);
	});
	after(async () => {
		await lane?.[Symbol.asyncDispose]();
		await disks.disposeAsync();
		await scene?.[Symbol.asyncDispose]();
	});

	test("what it left there cannot be removed, a person is called, and all writers are as before", async () => {
		const content = await lane.volume.fill("kept");
		await lane.agent.doom("never");
		const run = lane.ask("volume.backup", { consistency: "stopped" });
		const isReading = async () =>
			(await lane.archiveFolders()).some((name) => name.endsWith(".partial")) &&
			(await lane.agent.points()).at(-1) === "after intent copy";
		await pollUntil(isReading, { what: "the copy", timeoutMs: 30_000, intervalMs: 1, signal });
		await runProgram(["xfs_io", "-x", "-c", "shutdown", path], { signal });
		await assert.rejects(writeFile(join(path, "anything"), ""), { code: "EIO" });
		const ended = await lane.ended(run);
		assert.deepEqual([ended.state, ended.failure?.code], ["inconsistent", "inconsistent"]);
		assert.match(ended.failure?.message ?? "", /undoing its step copy fails: EIO/);
		await lane.volume.requireContainersAsBefore();
		assert.deepEqual(await lane.volume.read(), content);
		assert.equal(lane.agent.isDead(), false, "the agent serves on");
	});
});
