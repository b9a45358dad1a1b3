import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import { FolderPath, resourceId, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { openSmallDisk, type SmallDiskWish } from "../lab/fault/open-small-disk.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { run } from "../lab/process/run.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { Died, perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);
type FileSystem = NonNullable<SmallDiskWish["fileSystem"]>;

suite("snapshots on real file systems", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let rig: Rig;
	let disks: AsyncDisposableStack;
	const folders: string[] = [];

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "26.1" }] }, signal);
		host = laboratory.host("nas");
		await importBusybox(host, signal);
		await buildWriter(host, signal);
		for (const name of ["pool", "pool/inner", "rock"]) folders.push(join(host.folder, name));
		rig = await openRig({ folder: host.folder, socketPath: host.socketPath, folders }, signal);
		disks = new AsyncDisposableStack();
	});
	afterEach(async () => {
		const containers = (await host.docker(["ps", "-aq"])).split("\n").filter(Boolean);
		if (containers.length > 0) await host.docker(["rm", "--force", ...containers]);
		await disks.disposeAsync();
		disks = new AsyncDisposableStack();
	});
	after(() => laboratory?.[Symbol.asyncDispose]());

	for (const [fileSystem, method] of [
		["btrfs", "btrfs"],
		["xfs", "reflink"],
	] as const) {
		test(`a volume on ${fileSystem} is read from a snapshot while its writer goes on`, async (t) => {
			const volume = await startWriter(`on-${fileSystem}`, fileSystem);
			await writeFile(join(dataOf(volume), "moment"), "of the snapshot");
			let stateMeanwhile = "";
			const context = rig.context();
			const { state, result } = await perform(
				"volume.backup",
				{ volume, consistency: "snapshot" },
				{
					context,
					before: {
						copy: async () => {
							stateMeanwhile = await stateOf(volume);
							await writeFile(join(dataOf(volume), "moment"), "of later");
							await writeFile(join(dataOf(volume), "later"), "");
						},
					},
				},
			);
			assert.deepEqual([state, result.consistency, result.notes], ["succeeded", "snapshot", undefined]);
			assert.equal(stateMeanwhile, "running", "the writer waits for the snapshot only");
			const { manifest, folder } = await context.archives.find(result.archive);
			assert.deepEqual([manifest.snapshot, manifest.dataPath], [method, "host-path"]);
			const target = join(host.folder, `restored-${fileSystem}`);
			await mkdir(target);
			await run(["sh", join(folder, "restore.sh"), target], { signal });
			assert.equal(await readFile(join(target, "moment"), "utf8"), "of the snapshot");
			assert.deepEqual((await readdir(target)).sort(), ["moment", "written.log"]);
			await requireNothingLeft(volume);
			t.diagnostic(`${fileSystem}: down ${result.downtimeMs} ms of ${result.durationMs} ms`);
		});

		for (const step of ["snapshot", "copy", "drop-snapshot"]) {
			test(`a backup of ${fileSystem} that dies after ${step} leaves no snapshot and its writer running`, async () => {
				const volume = await startWriter(`dies-${fileSystem}-${step}`, fileSystem);
				const context = rig.context();
				const params = { volume, consistency: "snapshot" } as const;
				await assert.rejects(perform("volume.backup", params, { context, dieAfter: step }), Died);
				assert.equal(await stateOf(volume), "running");
				await requireNothingLeft(volume);
				const { archives, command } = context;
				const resource = resourceId({ kind: "volume", volume });
				assert.equal((await archives.list(resource)).length, 0, `an archive of ${command}`);
			});
		}
	}

	test("where XFS cannot share blocks the writers wait for the whole copy, and the report says so", async () => {
		const volume = await startWriter("no-reflinks", "xfs without reflinks");
		let stateMeanwhile = "";
		const note = async () => {
			stateMeanwhile = await stateOf(volume);
		};
		const { state, result } = await perform(
			"volume.backup",
			{ volume, consistency: "snapshot" },
			{ context: rig.context(), before: { notice: note } },
		);
		assert.deepEqual([state, result.consistency, stateMeanwhile], ["succeeded", "paused", "paused"]);
		assert.match(result.notes?.join() ?? "", /^no snapshot: cp said: .*; .* paused for the whole copy$/);
		await requireNothingLeft(volume);
	});

	test("a folder that is a disk of its own, or lies in a subvolume, is read from a snapshot of btrfs", async () => {
		const [pool, inner] = [FolderPath.parse(folders[0]), FolderPath.parse(folders[1])];
		disks.use(await openSmallDisk({ path: pool, megabytes: 128, fileSystem: "btrfs" }, signal));
		await mkdir(inner);
		await writeFile(join(inner, "file"), "content");
		for (const path of [pool, inner]) {
			const { result } = await perform(
				"path.backup",
				{ path, consistency: "snapshot" },
				{ context: rig.context() },
			);
			assert.deepEqual([result.consistency, result.entries], ["snapshot", path === pool ? 3 : 2]);
		}
		assert.deepEqual(await readdir(pool), ["inner"]);
	});

	test("a subvolume in the folder would be empty in a snapshot, so the folder is copied by reference", async () => {
		const [pool, inner] = [FolderPath.parse(folders[0]), FolderPath.parse(folders[1])];
		disks.use(await openSmallDisk({ path: pool, megabytes: 128, fileSystem: "btrfs" }, signal));
		await mkdir(inner);
		await run(["btrfs", "subvolume", "create", join(inner, "nested")], { signal });
		await writeFile(join(inner, "nested", "file"), "content");
		const context = rig.context();
		const { result } = await perform("path.backup", { path: inner, consistency: "snapshot" }, { context });
		assert.deepEqual([result.consistency, result.entries], ["snapshot", 3]);
		const { manifest } = await context.archives.find(result.archive);
		assert.equal(manifest.snapshot, "reflink");
		const whole = { path: pool, consistency: "snapshot" } as const;
		const { result: fallen } = await perform("path.backup", whole, { context: rig.context() });
		assert.deepEqual([fallen.consistency, fallen.entries], ["stopped", 4]);
		assert.match(
			fallen.notes?.join() ?? "",
			/would leave out the subvolume .*\/pool\/inner\/nested; a copy by/,
		);
	});

	test("this kernel's other snapshots are told, so that nobody takes a fake tool for a proof", async (t) => {
		const known = `${await readFile("/proc/filesystems", "utf8")}${await readFile("/proc/devices", "utf8")}`;
		for (const [name, word] of [
			["ZFS", "zfs"],
			["LVM", "device-mapper"],
		] as const) {
			t.diagnostic(
				`${name}: ${known.includes(word) ? "in this kernel" : "not in this kernel, fake tool only"}`,
			);
		}
		const path = FolderPath.parse(folders[2]);
		disks.use(await openSmallDisk({ path, megabytes: 32 }, signal));
		const { result } = await perform(
			"path.backup",
			{ path, consistency: "snapshot" },
			{ context: rig.context() },
		);
		assert.match(result.notes?.join() ?? "", /^no snapshot: the file system ext4 makes none; /);
	});

	async function startWriter(name: string, fileSystem: FileSystem): Promise<VolumeName> {
		const volume = VolumeName.parse(name);
		const path = dirname(dataOf(volume));
		disks.use(await openSmallDisk({ path, megabytes: 320, fileSystem }, signal));
		const words = ["--name", name, "-v", `${name}:${writerFolder}`, writerImage];
		await host.docker(["run", "--detach", ...words]);
		return volume;
	}

	async function requireNothingLeft(volume: VolumeName): Promise<void> {
		assert.deepEqual(await readdir(dirname(dataOf(volume))), ["_data"]);
		const records = join(rig.config.home, "agent", "snapshots");
		assert.deepEqual(await readdir(records), []);
		assert.equal(await stateOf(volume), "running");
	}

	async function stateOf(volume: VolumeName): Promise<string> {
		return host.docker(["inspect", "-f", "{{.State.Status}}", volume]);
	}

	function dataOf(volume: VolumeName): string {
		return join(host.dataRoot, "volumes", volume, "_data");
	}
});
