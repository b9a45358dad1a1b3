import assert from "node:assert/strict";
import { mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FolderPath } from "@davit/protocol";
import { openRig, type Rig } from "./open-rig.ts";
import { perform } from "./perform.ts";
import { sqlite, startProgram } from "./start-program.ts";

const signal = AbortSignal.timeout(60_000);

interface Scene {
	readonly rig: Rig;
	readonly path: FolderPath;
}

async function open(t: TestContext): Promise<Scene> {
	const folder = await realpath(await mkdtemp(join(tmpdir(), "davit-databases-")));
	t.after(() => rm(folder, { recursive: true, force: true }));
	const path = FolderPath.parse(join(folder, "srv"));
	await mkdir(path);
	await writeFile(join(path, "notes.txt"), "a file as any other");
	return { rig: await openRig({ folder, folders: [path] }, signal), path };
}

for (const mode of ["wal", "delete"] as const) {
	test(`a SQLite database in use (journal mode ${mode}) is refused by name, and copied when it is closed`, async (t) => {
		const { rig, path } = await open(t);
		{
			await using _program = await startProgram(sqlite(mode), path);
			await assert.rejects(perform("path.backup", { path }, { context: rig.context() }), {
				code: "database-files",
				message: /app\.db is a database's \(SQLite\), which \S+ \(process \d+\) has in use; a copy/,
				hint: /stop it.*--force-database-files/,
			});
		}
		const { state } = await perform("path.backup", { path }, { context: rig.context() });
		assert.equal(state, "succeeded");
	});
}

test("a database in use that is copied by force makes the backup partial, and the manifest names it", async (t) => {
	const { rig, path } = await open(t);
	await using _program = await startProgram(sqlite("wal"), path);
	const context = rig.context();
	const { state, result } = await perform("path.backup", { path, forceDatabaseFiles: true }, { context });
	assert.equal(state, "partial");
	assert.match(result.warnings?.join("\n") ?? "", /app\.db is a database's.*was copied while it ran/);
	const { manifest } = await context.archives.find(result.archive);
	assert.equal(manifest.outcome, "partial");
	assert.deepEqual(manifest.warnings, result.warnings);
});

test("a running Postgres is known by its postmaster.pid and what it holds open beside it", async (t) => {
	const { rig, path } = await open(t);
	await mkdir(join(path, "pgdata/base"), { recursive: true });
	await writeFile(join(path, "pgdata/base/1"), "a table");
	await writeFile(join(path, "pgdata/postmaster.pid"), "1\n");
	const script = `require("node:fs").openSync("pgdata/base/1"); process.stdin.resume(); console.log("ready")`;
	{
		await using _program = await startProgram(script, path);
		await assert.rejects(perform("path.backup", { path }, { context: rig.context() }), {
			code: "database-files",
			message: /pgdata\/postmaster\.pid is a database's \(Postgres\)/,
		});
	}
	// What a crash left behind stops no backup.
	const { state } = await perform("path.backup", { path }, { context: rig.context() });
	assert.equal(state, "succeeded");
});

test("a running InfluxDB is known by its bolt file", async (t) => {
	const { rig, path } = await open(t);
	await writeFile(join(path, "influxd.bolt"), "");
	const script = `require("node:fs").openSync("influxd.bolt"); process.stdin.resume(); console.log("ready")`;
	await using _program = await startProgram(script, path);
	await assert.rejects(perform("path.backup", { path }, { context: rig.context() }), {
		code: "database-files",
		message: /influxd\.bolt is a database's \(InfluxDB\)/,
	});
});

test("a file that a program merely holds open is copied", async (t) => {
	const { rig, path } = await open(t);
	const script = `require("node:fs").openSync("notes.txt"); process.stdin.resume(); console.log("ready")`;
	await using _program = await startProgram(script, path);
	const { state } = await perform("path.backup", { path }, { context: rig.context() });
	assert.equal(state, "succeeded");
});
