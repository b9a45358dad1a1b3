import assert from "node:assert/strict";
import { readdir, readFile, truncate, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openSite, type Site } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";

// Archives that something happened to on the disk.

let site: Site;
/** By their ids, oldest first: the folder of each. */
let folders: ReadonlyMap<string, string>;

before(async () => {
	site = await openSite();
	for (let taken = 0; taken < 4; taken += 1) assert.equal((await site.davit("backup", "photos")).exitCode, 0);
	const archives = join(site.home, "archives");
	const [key = ""] = (await readdir(archives)).filter((name) => name.startsWith("path-"));
	const names = (await readdir(join(archives, key))).sort();
	folders = new Map(names.map((name) => [name.slice(name.lastIndexOf("-") + 1), join(archives, key, name)]));
	assert.equal(folders.size, 4);
	await writeFile(join(site.folder, "notes.txt"), "written since\n");
});

after(() => site[Symbol.asyncDispose]());

async function refused(input: string, ...words: readonly string[]): Promise<void> {
	assertTold(input, toldBy(await site.davit(...words)));
	assert.equal(await readFile(join(site.folder, "notes.txt"), "utf8"), "written since\n", input);
	assert.deepEqual(await readdir(join(site.folder, "..")), ["photos"], "nothing is left beside the folder");
}

function archiveAt(place: number): { readonly id: string; readonly folder: string } {
	const [id, folder] = [...folders][place] ?? [];
	if (id === undefined || folder === undefined) throw new Error(`there is no archive ${place}`);
	return { id, folder };
}

test("a corrupted archive is neither restored nor proven, and is shown as damaged from then on", async () => {
	const { id, folder } = archiveAt(0);
	const file = join(folder, "content.tar.zst");
	const bytes = await readFile(file);
	bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
	await writeFile(file, bytes);
	await refused("corrupted archive, to restore", "restore", `photos@${id}`, "--confirm", site.folder);
	await refused("corrupted archive, to drill", "drill", `photos@${id}`);
	await refused("corrupted archive, to verify", "verify", `photos@${id}`);
	await refused("archive that is known to be damaged, to restore", "restore", `photos@${id}`, "--plan");
	assert.match((await site.davit("list", "archives")).stdout, new RegExp(`^${id.slice(0, 4)}.*damaged`, "m"));
});

test("a hook that the agent's configuration does not have makes no archive", async () => {
	const before = (await site.davit("list", "archives", "-q")).stdout;
	await refused("a hook that is not allowed", "backup", "photos", "--hooks", "flush");
	assert.equal((await site.davit("list", "archives", "-q")).stdout, before);
});

test("a truncated archive is neither restored nor proven", async () => {
	const { id, folder } = archiveAt(1);
	const file = join(folder, "content.tar.zst");
	await truncate(file, (await readFile(file)).length - 10);
	await refused("truncated archive, to restore", "restore", `photos@${id}`, "--confirm", site.folder);
	await refused("truncated archive, to verify", "verify", `photos@${id}`);
});

test("an archive of a newer format is left alone, and says which Davit it needs", async () => {
	const { id, folder } = archiveAt(2);
	const file = join(folder, "MANIFEST.json");
	const text = await readFile(file, "utf8");
	const newer = text.replace(/"version":\s*2/, '"version":3');
	assert.notEqual(newer, text);
	await writeFile(file, newer);
	await refused("archive of a newer format, to restore", "restore", `photos@${id}`, "--confirm", site.folder);
	await refused("archive of a newer format, to verify", "verify", `photos@${id}`);
	assert.equal(await readFile(file, "utf8"), newer);
});

test("the archive beside them is restored", async () => {
	const restored = await site.davit("restore", `photos@${archiveAt(3).id}`, "--confirm", site.folder);
	assert.equal(restored.exitCode, 0, restored.stderr);
	assert.equal(await readFile(join(site.folder, "notes.txt"), "utf8"), "before\n");
});
