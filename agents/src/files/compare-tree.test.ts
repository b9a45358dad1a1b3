import assert from "node:assert/strict";
import {
	chmodSync,
	cpSync,
	linkSync,
	mkdirSync,
	mkdtempSync,
	rmSync,
	statSync,
	utimesSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compareTree, isSameTree } from "./compare-tree.ts";
import { measureTree } from "./measure-tree.ts";
import { forgeArchive, plantArchive } from "./plant-archive.ts";
import { comparePaths } from "./raw-path.ts";
import { runFileJob } from "./run-job.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-compare-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const signal = new AbortController().signal;
let made = 0;

/** A tree of four files in two directories, and its archive. */
async function plant(): Promise<{ root: string; archive: string }> {
	made += 1;
	const [root, archive] = [join(scratch, `tree-${made}`), join(scratch, `archive-${made}`)];
	mkdirSync(join(root, "in"), { recursive: true });
	for (const name of ["one", "two", "in/three", "in/four"])
		writeFileSync(join(root, name), `this is ${name}`);
	await plantArchive(root, archive, signal);
	return { root, archive };
}

test("an untouched tree is the same as its archive", async () => {
	const { root, archive } = await plant();
	const comparison = await compareTree({ wanted: { archive }, root, exact: true, signal });
	assert.ok(isSameTree(comparison));
	assert.equal(comparison.sameEntries, 6);
});

test("what a restore would replace, add and remove is counted and named exactly", async () => {
	const { root, archive } = await plant();
	writeFileSync(join(root, "one"), "something else");
	chmodSync(join(root, "in/four"), 0o600);
	rmSync(join(root, "two"));
	mkdirSync(join(root, "new"));
	writeFileSync(join(root, "new/file"), "");
	const comparison = await runFileJob({ kind: "compare", wanted: { archive }, root }, { signal });
	assert.deepEqual(comparison, {
		...{ replaces: 2, adds: 1, removes: 2, sameEntries: 3, wantedBytes: 53 },
		examples: { replaces: ["in/four", "one"], adds: ["two"], removes: ["new", "new/file"] },
	});
});

test("by metadata alone no content is read: only times, sizes, owners and modes tell", async () => {
	const { root } = await plant();
	const { mtimeMs } = statSync(join(root, "one"));
	const other = join(scratch, `copy-${made}`);
	cpSync(root, other, { recursive: true, preserveTimestamps: true });
	writeFileSync(join(other, "one"), "THIS IS one");
	utimesSync(join(other, "one"), mtimeMs / 1000, mtimeMs / 1000);
	const comparing = { wanted: { tree: root }, root: other, signal };
	assert.equal((await compareTree(comparing)).replaces, 1);
	assert.equal((await compareTree({ ...comparing, byMetadata: true })).replaces, 0);
	chmodSync(join(other, "two"), 0o600);
	assert.equal((await compareTree({ ...comparing, byMetadata: true })).replaces, 1);
});

test("other content of the same size under the same time is found", async () => {
	const { root, archive } = await plant();
	const { mtimeMs } = statSync(join(root, "one"));
	const { size } = statSync(join(root, "one"));
	writeFileSync(join(root, "one"), "THIS IS ONE");
	utimesSync(join(root, "one"), mtimeMs / 1000, mtimeMs / 1000);
	assert.equal(statSync(join(root, "one")).size, size);
	const comparison = await compareTree({ wanted: { archive }, root, signal });
	assert.deepEqual(comparison.examples, { replaces: ["one"], adds: [], removes: [] });
});

test("a file that became a hard link of another is not the same tree", async () => {
	const { root, archive } = await plant();
	rmSync(join(root, "two"));
	linkSync(join(root, "one"), join(root, "two"));
	const comparison = await compareTree({ wanted: { archive }, root, signal });
	assert.deepEqual(comparison.examples.replaces, ["two"]);
});

test("two trees are compared like a tree and an archive", async () => {
	const [left, right] = [await plant(), await plant()];
	writeFileSync(join(right.root, "extra"), "");
	const comparison = await compareTree({ wanted: { tree: left.root }, root: right.root, signal });
	assert.deepEqual(comparison.examples.removes, ["extra"]);
	assert.deepEqual(comparison.examples.adds, []);
});

test("an archive whose entries are in another order is compared all the same", async () => {
	made += 1;
	const [root, archive] = [join(scratch, `tree-${made}`), join(scratch, `archive-${made}`)];
	mkdirSync(join(root, "b"), { recursive: true });
	mkdirSync(join(root, "a"));
	await forgeArchive(archive, [{}, { path: "b" }, { path: "a" }, { path: "c" }]);
	const comparison = await compareTree({ wanted: { archive }, root, signal });
	assert.deepEqual([comparison.adds, comparison.removes], [1, 0]);
	assert.deepEqual(comparison.examples.adds, ["c"]);
});

test("a tree that is gone is named, not taken for an empty one", async () => {
	const { root, archive } = await plant();
	rmSync(root, { recursive: true });
	await assert.rejects(compareTree({ wanted: { archive }, root, signal }), { code: "path-not-found" });
});

test("paths order as a walk does: a directory, what is in it, then names that only begin like it", () => {
	const walked = [".", "a", "a/b", "a/b/c", "a!", "a-b", "a.b", "b", "\xff"];
	assert.deepEqual(walked.toReversed().sort(comparePaths), walked);
});

test("a measured tree counts the content of each inode once", async () => {
	const { root } = await plant();
	linkSync(join(root, "one"), join(root, "one-again"));
	const { entries, contentBytes, freeBytes } = await measureTree({ root, signal });
	assert.deepEqual([entries, contentBytes], [7, 53]);
	assert.ok(freeBytes > 0);
});
