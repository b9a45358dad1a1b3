import assert from "node:assert/strict";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { openSite, type Site } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";

// Choices of a restore that cannot be.

let site: Site;

before(async () => {
	site = await openSite();
	await mkdir(join(site.folder, "album"));
	await writeFile(join(site.folder, "album/one"), "old");
	assert.equal((await site.davit("backup", "photos")).exitCode, 0);
	await writeFile(join(site.folder, "notes.txt"), "written since\n");
});

after(() => site[Symbol.asyncDispose]());

async function refused(input: string, ...options: readonly string[]): Promise<void> {
	const words = ["restore", "photos@latest", "--confirm", site.folder, ...options];
	assertTold(input, toldBy(await site.davit(...words)));
	assert.equal(await readFile(join(site.folder, "notes.txt"), "utf8"), "written since\n", input);
	assert.deepEqual(await readdir(dirname(site.folder)), ["photos"], "nothing is left beside the folder");
}

test("what is chosen must be in the archive, and be named from its root", async () => {
	await refused("a path to restore that the archive does not hold", "--path", "holidays");
	await refused("a path to restore with ..", "--path", "album/../../etc");
	await refused("an absolute path to restore", "--path", join(site.folder, "album"));
});

test("what is new must have a name that nothing has, inside of what the agent may touch", async () => {
	await refused("a new name that exists already", "--as", "photos");
	await refused("a new name that is none", "--as", "../photos-2");
	await refused("a new folder outside of what the agent may touch", "--as", "/etc/photos");
	await refused("a new folder beside one that alone is configured", "--as", "photos-2");
	await refused("a merge into what is new", "--merge", "--as", "photos-2");
});

test("what can be chosen is restored alone", async () => {
	await writeFile(join(site.folder, "album/one"), "new");
	const words = ["restore", "photos@latest", "--path", "album/", "--confirm", site.folder];
	const restored = await site.davit(...words);
	assert.equal(restored.exitCode, 0, restored.stderr);
	assert.equal(await readFile(join(site.folder, "album/one"), "utf8"), "old");
	assert.equal(await readFile(join(site.folder, "notes.txt"), "utf8"), "written since\n");
});
