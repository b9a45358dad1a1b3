import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { after, before, test } from "node:test";
import { PreviewDocument } from "@davit/protocol";
import { openSite, type Site } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";

// What a backup would do, asked of the whole of Davit; nothing is touched by it.

let site: Site;

before(async () => {
	site = await openSite();
});

after(() => site?.[Symbol.asyncDispose]());

test("what a backup would do is said without doing it", async () => {
	const shown = await site.davit("backup", site.address, "--plan", "--json");
	assert.equal(shown.exitCode, 0, shown.stderr);
	const { holds, contentBytes, entries, to, space, blockers, predictedDowntimeMs } = read(shown.stdout);
	assert.deepEqual(
		{ holds, contentBytes, entries, blockers },
		{ holds: [], contentBytes: 7, entries: 2, blockers: [] },
	);
	assert.equal(predictedDowntimeMs, 0);
	assert.ok(space !== undefined && space.needsBytes === 7 && space.freeBytes > space.reserveBytes);
	assert.ok("folder" in to && to.folder.startsWith(site.home), "its archives are in its home");
	assert.match(
		(await site.davit("backup", site.address, "--plan")).stdout,
		/^ {2}copies {6}7 B in 2 entries$/m,
	);
	const archives = await site.davit("list", "archives", site.address, "--json");
	assert.equal(JSON.parse(archives.stdout).total, 0, "there is no archive");
});

test("what stands against a backup is part of what is said, and its exit is 4", async () => {
	const database = new DatabaseSync(join(site.folder, "app.db"));
	database.exec("PRAGMA journal_mode = wal; CREATE TABLE held (n); INSERT INTO held VALUES (1)");
	const held = await readdir(site.folder);
	const shown = await site.davit("backup", site.address, "--plan", "--json");
	assert.equal(shown.exitCode, 4, shown.stderr);
	const [blocker, ...others] = read(shown.stdout).blockers;
	assert.deepEqual([blocker?.code, others.length], ["database-files", 0]);
	assert.match(blocker?.message ?? "", /app\.db/);
	const forced = await site.davit("backup", site.address, "--plan", "--json", "--force-database-files");
	assert.equal(forced.exitCode, 0, forced.stderr);
	assert.match(read(forced.stdout).notes.join(), /app\.db .* was copied while it ran/);
	assert.deepEqual(await readdir(site.folder), held);
	database.close();
	assert.equal((await site.davit("backup", site.address, "--plan", "-q")).exitCode, 0);
});

test("the files of a running database are refused by name, and nothing is touched", async () => {
	const database = new DatabaseSync(join(site.folder, "app.db"));
	database.exec(
		"PRAGMA journal_mode = wal; CREATE TABLE IF NOT EXISTS held (n); INSERT INTO held VALUES (2)",
	);
	const held = await readdir(site.folder);
	assert.ok(held.includes("app.db-wal"), "it is in use");
	assertTold(
		"a folder in which a running database has its files",
		toldBy(await site.davit("backup", site.address)),
	);
	const archives = await site.davit("list", "archives", site.address, "--json");
	assert.equal(JSON.parse(archives.stdout).total, 0, "there is no archive");
	assert.deepEqual(await readdir(site.folder), held);
	const forced = await site.davit("backup", site.address, "--force-database-files");
	assert.equal(forced.exitCode, 3, `partial: ${forced.stderr}`);
	database.close();
});

test("what a backup would do is said of one resource at a time", async () => {
	const shown = await site.davit("backup", site.address, site.address, "--plan");
	assertTold("several resources to say beforehand what would be done", toldBy(shown));
});

function read(text: string): PreviewDocument {
	return PreviewDocument.parse(JSON.parse(text));
}
