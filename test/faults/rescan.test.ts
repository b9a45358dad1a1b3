import assert from "node:assert/strict";
import { mkdir, readdir, rm, stat, truncate } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { openHome, runDavit } from "@davit/cli/testing/run-davit.ts";
import { ArchivesDocument, RescanDocument } from "@davit/protocol";
import { environment, makeFolder, startSite } from "../bad-input/open-site.ts";

test("with all but the archives' folder gone, a rescan finds every archive, and which are damaged", async () => {
	await using home = await openHome();
	await using place = await openHome();
	await mkdir(join(place.path, "old"));
	const [photos, letters] = [await makeFolder(place.path), await makeFolder(join(place.path, "old"))];
	const davit = (...words: readonly string[]) => runDavit(home.path, words, environment);
	const first = await startSite(home.path, ["--folder", photos, "--folder", letters]);
	const host = String(first.welcome["host"]);
	for (const folders of [[photos, letters], [photos]]) {
		const { exitCode, stderr } = await davit("backup", ...folders.map((path) => `${host}/path:${path}`));
		assert.equal(exitCode, 0, stderr);
	}
	await first[Symbol.asyncDispose]();
	for (const name of await readdir(home.path)) {
		if (name !== "archives") await rm(join(home.path, name), { recursive: true });
	}

	await using again = await startSite(home.path, ["--folder", photos]);
	const archives = join(home.path, "archives");
	const rescan = async () => {
		const { exitCode, stdout, stderr } = await davit("repository", "rescan", host, "--json");
		assert.ok(stdout !== "", stderr);
		return { exitCode, ...RescanDocument.parse(JSON.parse(stdout)) };
	};
	assert.equal(again.welcome["host"], host);
	const found = await rescan();
	assert.deepEqual(
		[found.exitCode, found.resources, found.archives, found.damaged, found.damages],
		[0, 2, 3, 0, []],
	);
	assert.equal(found.bytes, await bytesOfArchives(archives));
	const listed = async () =>
		ArchivesDocument.parse(JSON.parse((await davit("list", "archives", "--json")).stdout)).items;
	const before = await listed();
	assert.equal(before.length, 3);

	// Half of its content goes, which no list looks at.
	const victim = before.find(({ resource }) => resource === `path:${photos}`);
	assert.ok(victim !== undefined);
	const [content] = (await readdir(archives, { recursive: true })).filter(
		(name) => name.includes(victim.id) && /content\.tar\.zst(?:\.age)?$/.test(name),
	);
	assert.ok(content !== undefined, "it has content");
	await truncate(join(archives, content), Math.floor((await stat(join(archives, content))).size / 2));
	const damaged = await rescan();
	assert.deepEqual([damaged.exitCode, damaged.resources, damaged.archives, damaged.damaged], [3, 2, 3, 1]);
	assert.deepEqual(
		damaged.damages.map(({ archive }) => archive),
		[victim.id],
	);
	assert.match(damaged.damages[0]?.why ?? "", /content\.tar\.zst\S* has \d+ bytes instead of \d+/);
	assert.deepEqual(
		(await listed()).filter((one) => one.damaged).map(({ id }) => id),
		[victim.id],
	);
	const told = await davit("repository", "rescan", host);
	assert.match(told.stdout, /: 3 archives of 2 resources, .*, 1 damaged; took /);

	// What nothing protects any more is opened all the same.
	const kept = before.find(({ resource }) => resource === `path:${letters}`);
	assert.ok(kept !== undefined);
	const taken = await davit("get", kept.id, "notes.txt", "-o", "-");
	assert.deepEqual([taken.exitCode, taken.stdout], [0, "before\n"], taken.stderr);
});

async function bytesOfArchives(archives: string): Promise<number> {
	let sum = 0;
	for (const name of await readdir(archives, { recursive: true })) {
		if (!/\d{8}T\d{6}Z-[0-9a-f]{10}\//.test(name)) continue;
		const { size } = await stat(join(archives, name));
		sum += size;
	}
	return sum;
}
