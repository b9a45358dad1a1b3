import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { readManifest } from "../archives/read-manifest.ts";
import { browseFolder } from "./browse-folder.ts";
import { diffTrees } from "./diff-trees.ts";
import { forgeArchive, plantArchive } from "./plant-archive.ts";
import { type RawPath, rawOf } from "./raw-path.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-browse-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const signal = new AbortController().signal;

async function browse(archive: string, folder: RawPath, more: { from?: number; isOrdered?: boolean } = {}) {
	const { from = 0, isOrdered = true } = more;
	const read = await readManifest(archive);
	const manifest = isOrdered ? read : { ...read, dataPath: "archive-api" as const };
	return browseFolder({ opened: { archive }, manifest, folder, from, count: 200, signal });
}

test("a folder of an archive is listed with what is directly in it, in the order of its bytes", async () => {
	const [root, archive] = [join(scratch, "plain"), join(scratch, "plain-archive")];
	mkdirSync(join(root, "in/deep"), { recursive: true });
	for (const name of ["b", "a.txt", "in/c", "in/deep/d", "in.txt"]) writeFileSync(join(root, name), name);
	symlinkSync("a.txt", join(root, "link"));
	writeFileSync(join(root, 'tab\tand "quote" ü'), "");
	await plantArchive(root, archive, signal);
	for (const isOrdered of [true, false]) {
		const names = async (folder: string) =>
			(await browse(archive, rawOf(folder), { isOrdered })).entries.map(({ path }) => path);
		const odd = rawOf('tab\tand "quote" ü');
		assert.deepEqual(await names("."), ["a.txt", "b", "in", "in.txt", "link", odd]);
		assert.deepEqual(await names("in"), ["in/c", "in/deep"]);
		assert.deepEqual(await names("in/deep"), ["in/deep/d"]);
		await assert.rejects(names("in/d"), { code: "entry-not-found", message: /does not hold it/ });
		await assert.rejects(names("zz"), { code: "entry-not-found" });
		await assert.rejects(names("a.txt"), { code: "entry-not-found", message: /no folder/ });
	}
});

test("a folder of 10,000 entries in a large archive is listed from the frames that hold it alone", async () => {
	const archive = join(scratch, "large");
	const file = (path: string) => ({ path, type: "file", size: 0 }) as const;
	const many = (folder: string, { count, filler }: { count: number; filler: number }) => [
		{ path: folder },
		...Array.from({ length: count }, (_, at) =>
			file(`${folder}/${String(at).padStart(6, "0")}-${"x".repeat(filler)}`),
		),
	];
	await forgeArchive(archive, [
		{ path: "." },
		{ path: "before" },
		...many("before/deep", { count: 8_000, filler: 4_000 }),
		...many("wanted", { count: 10_000, filler: 10 }),
		...many("zafter", { count: 4_000, filler: 4_000 }),
		file("zz"),
	]);
	const first = await browse(archive, "wanted");
	assert.equal(first.total, 10_000);
	assert.equal(first.entries.length, 200);
	assert.match(first.entries[0]?.path ?? "", /^wanted\/000000-/);
	const last = await browse(archive, "wanted", { from: 9_900 });
	assert.equal(last.entries.length, 100);
	assert.match(last.entries.at(-1)?.path ?? "", /^wanted\/009999-/);
	const root = await browse(archive, ".");
	assert.deepEqual(
		root.entries.map(({ path }) => path),
		["before", "wanted", "zafter", "zz"],
	);
	const whole = await browse(archive, ".", { isOrdered: false });
	assert.deepEqual(whole.entries, root.entries);
	assert.ok(first.framesRead < whole.framesRead, "not all of the list was decoded");
	assert.ok(root.framesRead < whole.framesRead, "what lies inside a folder was passed over");
});

test("the differences between two archives are told apart by content and by metadata alone", async () => {
	const root = join(scratch, "moving");
	mkdirSync(root);
	for (const name of ["same", "other", "gone", "mode"])
		writeFileSync(join(root, name), name, { mode: 0o600 });
	await plantArchive(root, join(scratch, "old"), signal);
	writeFileSync(join(root, "other"), "OTHER");
	writeFileSync(join(root, "new"), "new");
	rmSync(join(root, "gone"));
	rmSync(join(root, "mode"));
	writeFileSync(join(root, "mode"), "mode", { mode: 0o644 });
	await plantArchive(root, join(scratch, "new"), signal);
	for (const after of [{ archive: join(scratch, "new") }, { tree: root }]) {
		const wanted = { before: { archive: join(scratch, "old") }, after, signal };
		const { counts, differences } = await diffTrees({ ...wanted, from: 0, count: 200 });
		assert.deepEqual(counts, { added: 1, removed: 1, changed: 1, metadata: 1, same: 2 });
		assert.deepEqual(
			differences.map(({ path, kind }) => `${kind} ${path}`),
			["removed gone", "metadata mode", "added new", "changed other"],
		);
		const page = await diffTrees({ ...wanted, from: 1, count: 2 });
		assert.deepEqual(page.differences, differences.slice(1, 3));
		assert.deepEqual(page.counts, counts);
	}
});
