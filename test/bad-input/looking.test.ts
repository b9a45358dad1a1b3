import assert from "node:assert/strict";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { openHome } from "@davit/cli/testing/run-davit.ts";
import { ArchiveContentDocument, DifferencesDocument, GottenDocument } from "@davit/protocol";
import { makeFolder, openSite, type Site } from "./open-site.ts";
import { assertTold, toldBy } from "./read-page.ts";

// Looking into archives: what cannot be looked for, and that what can be is found.

let site: Site;
const resources = new AsyncDisposableStack();

before(async () => {
	const other = await makeFolder(join(resources.use(await openHome()).path));
	site = resources.use(await openSite({ words: ["--folder", other] }));
	await mkdir(join(site.folder, "many/deep"), { recursive: true });
	for (let file = 0; file < 450; file += 1) {
		await writeFile(join(site.folder, "many", `${String(file).padStart(4, "0")}.jpg`), `${file}`);
	}
	for (const folder of [site.folder, other]) {
		const taken = await site.davit("backup", `${site.host}/path:${folder}`);
		assert.equal(taken.exitCode, 0, taken.stderr);
	}
	await writeFile(join(site.folder, "notes.txt"), "written since\n");
	await writeFile(join(site.folder, "new.txt"), "new\n");
	otherAddress = `${site.host}/path:${other}`;
});

let otherAddress = "";

after(() => resources.disposeAsync());

async function refused(input: string, ...words: readonly string[]): Promise<void> {
	const before = await readdir(site.folder);
	assertTold(input, toldBy(await site.davit(...words)));
	assert.deepEqual(await readdir(site.folder), before, input);
}

const archive = () => `${site.host}/path:${site.folder}@latest`;

test("a folder of an archive is listed page by page", async () => {
	let from: number | null = 0;
	const names: string[] = [];
	for (let pages = 0; from !== null; pages += 1) {
		const shown = await site.davit("browse", archive(), "many/", "--from", String(from), "--json");
		assert.equal(shown.exitCode, 0, shown.stderr);
		const page = ArchiveContentDocument.parse(JSON.parse(shown.stdout));
		assert.ok(page.entries.length <= 200 && pages < 4);
		assert.equal(page.total, 451);
		names.push(...page.entries.map(({ name }) => name));
		from = page.next;
	}
	assert.deepEqual(names, (await readdir(join(site.folder, "many"))).sort());
	const root = await site.davit("browse", archive());
	assert.match(root.stdout, /^d0\d{3} .* many\/$/m);
	assert.match(root.stdout, /^-0\d{3} .* 7 B .* notes\.txt$/m);
});

test("what differs from the present data is told, and nothing between an archive and itself", async () => {
	const live = await site.davit("diff", archive());
	assert.equal(live.exitCode, 0, live.stderr);
	assert.equal(live.stdout, "+ new.txt\n~ notes.txt\n");
	const same = await site.davit("diff", archive(), archive(), "--json");
	const { counts, differences } = DifferencesDocument.parse(JSON.parse(same.stdout));
	assert.deepEqual(counts, { added: 0, removed: 0, changed: 0, metadata: 0, same: 454 });
	assert.deepEqual(differences, []);
});

test("a file or a folder is taken out of an archive, to a place, to standard output, or to where Davit keeps it", async () => {
	const place = join(site.folder, "..", "taken");
	const taken = await site.davit("get", archive(), "notes.txt", "-o", place);
	assert.equal(taken.exitCode, 0, taken.stderr);
	assert.equal(await readFile(place, "utf8"), "before\n");
	const poured = await site.davit("get", archive(), "many/0007.jpg", "-o", "-");
	assert.deepEqual([poured.exitCode, poured.stdout], [0, "7"]);
	const left = await site.davit("get", archive(), "many", "--json");
	assert.equal(left.exitCode, 0, left.stderr);
	const { file, type, entries, bytes } = GottenDocument.parse(JSON.parse(left.stdout));
	assert.deepEqual([type, entries, bytes], ["directory", 452, 1240]);
	assert.deepEqual((await readdir(file)).sort(), (await readdir(join(site.folder, "many"))).sort());
	await refused(
		"a place that is taken, to put what is taken out",
		"get",
		archive(),
		"notes.txt",
		"-o",
		place,
	);
	await refused(
		"a place that is not there, to put what is taken out",
		"get",
		archive(),
		"notes.txt",
		"-o",
		join(place, "x"),
	);
	await refused("a folder of an archive to standard output", "get", archive(), "many", "-o", "-");
	await refused("a file that the archive does not hold", "get", archive(), "absent.txt", "-o", `${place}-2`);
	await refused("an absolute path to take out of an archive", "get", archive(), "/etc/passwd");
	await rm(place);
});

test("what an archive does not hold is said to be missing", async () => {
	await refused("a folder that the archive does not hold", "browse", archive(), "holidays");
	await refused("a file of the archive as a folder", "browse", archive(), "notes.txt");
	await refused(
		"an archive of another resource, to compare with",
		"diff",
		archive(),
		`${otherAddress}@latest`,
	);
	await refused("an archive that does not exist, to compare with", "diff", archive(), "0123456789");
});

test("a path that leads out of an archive is refused as it was typed", async () => {
	await refused("a path in an archive with ..", "browse", archive(), "many/../../etc");
	await refused("an absolute path in an archive", "browse", archive(), "/etc/passwd");
	await refused("a path in an archive with a newline", "browse", archive(), "ma\nny");
	await refused("a page of an archive that is none", "browse", archive(), "many", "--from", "soon");
	const beyond = await site.davit("browse", archive(), "many", "--from", "5000");
	assert.deepEqual([beyond.exitCode, beyond.stdout], [0, ""]);
	assert.match(beyond.stderr, /there are only 451/);
});
