import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, suite, test } from "node:test";
import type { OperationContext } from "@davit/agents/operation.ts";
import { FolderPath, resourceId, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { openSmallDisk } from "../lab/fault/open-small-disk.ts";
import type { Host } from "../lab/host/open.ts";
import { busyboxImage, importBusybox } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { perform } from "./perform.ts";
import { sqlite, startProgram } from "./start-program.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);

suite("databases where an engine is", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let rig: Rig;
	let rock: FolderPath;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "pi", engine: "26.1" }] }, signal);
		host = laboratory.host("pi");
		await importBusybox(host, signal);
		rock = FolderPath.parse(join(host.folder, "rock"));
		rig = await openRig({ folder: host.folder, socketPath: host.socketPath, folders: [rock] }, signal);
	});
	after(() => laboratory?.[Symbol.asyncDispose]());

	for (const [name, kind, path, plant] of [
		["usual", "SQLite", "app.db", (data: string) => openSqlite(data, "app.db")],
		["unusual", "SQLite", "store-wal", (data: string) => openSqlite(data, "store")],
		["postgres", "Postgres", "pgdata/postmaster.pid", plantPostgres],
		["influx", "InfluxDB", "influxd.bolt", (data: string) => writeFile(join(data, "influxd.bolt"), "")],
	] as const) {
		test(`the files of a running ${kind} (${path}) are refused by name over the archive API too`, async (t) => {
			const volume = await startUser(name);
			const database = await plant(dataOf(volume));
			if (database instanceof DatabaseSync) t.after(() => database.close());
			const context = overEngine();
			await assert.rejects(perform("volume.backup", { volume, consistency: "live" }, { context }), {
				code: "database-files",
				message: `volume:${name} was not backed up: ${path} is a database's (${kind}), which container ${name} has in use; a copy of it while it runs would be damaged`,
				hint: /--consistency paused or stopped.*--force-database-files/,
			});
			assert.deepEqual(await context.archives.list(resourceId({ kind: "volume", volume })), []);
			assert.equal(await host.docker(["ps", "-a", "--format", "{{.Names}}"]), name, "no reader is left");
			await host.docker(["rm", "--force", name]);
			const { state } = await perform(
				"volume.backup",
				{ volume, consistency: "live" },
				{ context: overEngine() },
			);
			assert.equal(state, "succeeded", "nobody writes any more");
		});
	}

	test("by force they are copied over the archive API too, which is partial and names them; paused they are whole", async (t) => {
		const volume = await startUser("forced");
		const database = openSqlite(dataOf(volume), "app.db");
		t.after(() => database.close());
		const context = overEngine();
		const params = { volume, consistency: "live", forceDatabaseFiles: true } as const;
		const { state, result } = await perform("volume.backup", params, { context });
		assert.deepEqual([state, result.consistency], ["partial", "live"]);
		const { manifest } = await context.archives.find(result.archive);
		assert.deepEqual([manifest.dataPath, manifest.outcome], ["archive-api", "partial"]);
		assert.deepEqual(manifest.warnings, [
			"app.db is a database's (SQLite), which container forced has in use and was copied while it ran",
			"app.db-wal is a database's (SQLite), which container forced has in use and was copied while it ran",
		]);
		const paused = await perform(
			"volume.backup",
			{ volume, consistency: "paused" },
			{ context: overEngine() },
		);
		assert.deepEqual([paused.state, paused.result.consistency], ["succeeded", "paused"]);
		await host.docker(["rm", "--force", "forced"]);
	});

	test("where a snapshot fails and all is copied instead, a database in use is looked for again", async () => {
		await using _disk = await openSmallDisk(
			{ path: rock, megabytes: 320, fileSystem: "xfs without reflinks" },
			signal,
		);
		const path = FolderPath.parse(join(rock, "srv"));
		await mkdir(path);
		await using _program = await startProgram(sqlite("wal"), path);
		const params = { path, consistency: "snapshot" } as const;
		const begun: string[] = [];
		const context = rig.context();
		await assert.rejects(
			perform("path.backup", params, { context, before: { snapshot: () => begun.push("snapshot") } }),
			{ code: "database-files", message: /app\.db is a database's \(SQLite\), which \S+ \(process \d+\)/ },
		);
		assert.deepEqual(begun, ["snapshot"], "it was no matter for the survey");
		assert.deepEqual(await context.archives.list(resourceId({ kind: "path", path })), []);
		assert.deepEqual(await readdir(rock), ["srv"], "no snapshot is left");

		const forced = { ...params, forceDatabaseFiles: true };
		const { state, result } = await perform("path.backup", forced, { context: rig.context() });
		assert.deepEqual([state, await readdir(rock)], ["partial", ["srv"]]);
		assert.match(result.notes?.join() ?? "", /^no snapshot: cp said: /);
		assert.match(result.warnings.join("\n"), /app\.db is a database's.*was copied while it ran/);
		const { manifest } = await context.archives.find(result.archive);
		assert.deepEqual([manifest.outcome, manifest.warnings], ["partial", result.warnings]);
	});

	/** A volume that a container has mounted and could write into. */
	async function startUser(name: string): Promise<VolumeName> {
		const words = ["--name", name, "-v", `${name}:/data`, busyboxImage, "sleep", "600"];
		await host.docker(["run", "--detach", ...words]);
		return VolumeName.parse(name);
	}

	function dataOf(volume: VolumeName): string {
		return join(host.dataRoot, "volumes", volume, "_data");
	}

	/** As for an engine in a machine of its own, where nothing may be started. */
	function overEngine(): OperationContext {
		const { engine, config } = rig;
		assert.ok(engine !== undefined);
		return rig.context({ engine: { ...engine, sharesPaths: false }, config: { ...config, helper: false } });
	}
});

function openSqlite(data: string, name: string): DatabaseSync {
	const database = new DatabaseSync(join(data, name));
	database.exec("PRAGMA journal_mode = wal; CREATE TABLE rows (n); INSERT INTO rows VALUES (1)");
	return database;
}

async function plantPostgres(data: string): Promise<void> {
	await mkdir(join(data, "pgdata"));
	await writeFile(join(data, "pgdata/postmaster.pid"), "1\n");
}
