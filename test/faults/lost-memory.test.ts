import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openHome, runDavit } from "@davit/cli/testing/run-davit.ts";
import { ArchivesDocument, ResourcesDocument } from "@davit/protocol";
import { environment, makeFolder, startSite } from "../bad-input/open-site.ts";
import { pollUntil } from "../lab/process/poll.ts";

const signal = AbortSignal.timeout(120_000);

const losses = [
	["the journal and the history", forgetDatabases],
	["all but the archives' folder", forgetAll],
] as const;

for (const [lost, forget] of losses) {
	test(`with ${lost} gone, the archives alone tell what there is, and are restored`, async () => {
		await using home = await openHome();
		await using place = await openHome();
		const folder = await makeFolder(place.path);
		const davit = (...words: readonly string[]) => runDavit(home.path, words, environment);
		const first = await startSite(home.path, ["--folder", folder]);
		const address = "photos";
		for (const words of [
			["backup", address],
			["drill", address],
		]) {
			const { exitCode, stderr } = await davit(...words);
			assert.equal(exitCode, 0, stderr);
		}
		const before = archivesIn((await davit("list", "archives", "--json")).stdout);
		assert.deepEqual(
			before.map(({ proof }) => proof),
			[["taken", "verified", "drilled"]],
		);
		assert.equal((await filesBelow(home.path, ".sqlite")).length, 2, "a journal and a history");
		await first[Symbol.asyncDispose]();

		await forget(home.path);
		assert.deepEqual(await filesBelow(home.path, ".sqlite"), []);
		await writeFile(join(folder, "notes.txt"), "written since\n");

		await using _again = await startSite(home.path, ["--folder", folder]);
		const known = async () => archivesIn((await davit("list", "archives", "--json")).stdout);
		await pollUntil(async () => (await known()).length === 1, {
			...{ what: "the archive to be known again", timeoutMs: 30_000, intervalMs: 200, signal },
		});
		assert.deepEqual((await known()).map(facts), before.map(facts));
		const { items } = ResourcesDocument.parse(
			JSON.parse((await davit("list", "resources", "--json")).stdout),
		);
		assert.ok(items.some(({ lastProvenRestore }) => lastProvenRestore?.archive === before[0]?.id));
		const restored = await davit("restore", `${address}@latest-proven`, "--confirm", folder);
		assert.equal(restored.exitCode, 0, restored.stderr);
		assert.equal(await readFile(join(folder, "notes.txt"), "utf8"), "before\n");
	});
}

async function forgetDatabases(home: string): Promise<void> {
	const files = (await readdir(home, { recursive: true })).filter((name) =>
		/\.sqlite(?:-wal|-shm)?$/.test(name),
	);
	for (const file of files) await rm(join(home, file));
}

async function forgetAll(home: string): Promise<void> {
	for (const name of await readdir(home)) {
		if (name !== "archives") await rm(join(home, name), { recursive: true });
	}
	assert.deepEqual(await readdir(home), ["archives"]);
}

function archivesIn(stdout: string) {
	return ArchivesDocument.parse(JSON.parse(stdout)).items;
}

function facts({ id, takenAt, proof, drilledAt, manifestSha256 }: ReturnType<typeof archivesIn>[number]) {
	return { id, takenAt, proof, drilledAt, manifestSha256 };
}

async function filesBelow(home: string, ending: string): Promise<readonly string[]> {
	return (await readdir(home, { recursive: true })).filter((name) => name.endsWith(ending));
}
