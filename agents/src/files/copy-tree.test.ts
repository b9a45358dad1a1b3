import assert from "node:assert/strict";
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compareTree, isSameTree } from "./compare-tree.ts";
import { copyTree } from "./copy-tree.ts";
import { isRoot, plantCorpus } from "./plant-corpus.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-copy-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const signal = new AbortController().signal;

test("a copy is all that volumes were seen to hold, holes and links and attributes too", async () => {
	const [root, target, listed] = [join(scratch, "corpus"), join(scratch, "made"), join(scratch, "list")];
	await plantCorpus(root);
	const copied = await copyTree({ root, target, listed, totalBytes: 0, signal });
	assert.deepEqual([copied.warnings, copied.losses.length], [[], isRoot ? 0 : 1]);
	assert.equal(copied.sockets, 1);
	rmSync(join(root, "socket/socket"));
	const strict = { exact: true, withoutAttributes: !isRoot, signal };
	for (const wanted of [{ listed }, { tree: root }]) {
		const compared = await compareTree({ wanted, root: target, ...strict });
		// Removing the socket changed its folder's time.
		const changed = "tree" in wanted ? ["socket"] : [];
		assert.deepEqual([compared.examples.replaces, compared.adds, compared.removes], [changed, 0, 0]);
	}
});

test("what a copy lacks or holds otherwise than it was read is found once the original has moved on", async () => {
	const [root, target, listed] = [join(scratch, "moving"), join(scratch, "still"), join(scratch, "seen")];
	mkdirSync(root);
	for (const name of ["one", "two"]) writeFileSync(join(root, name), name);
	await copyTree({ root, target, listed, totalBytes: 0, signal });
	appendFileSync(join(root, "one"), " and more");
	rmSync(join(root, "two"));
	const compare = () => compareTree({ wanted: { listed }, root: target, exact: true, signal });
	assert.ok(isSameTree(await compare()));
	appendFileSync(join(target, "one"), "!");
	writeFileSync(join(target, "three"), "");
	const { replaces, removes } = await compare();
	assert.deepEqual([replaces, removes], [2, 1], "the root's time, the file, and one too many");
});

test("nothing is copied into a folder that holds something", async () => {
	const [root, target, listed] = [join(scratch, "from"), join(scratch, "full"), join(scratch, "none")];
	for (const folder of [root, target]) mkdirSync(folder);
	writeFileSync(join(target, "there"), "");
	await assert.rejects(copyTree({ root, target, listed, totalBytes: 0, signal }), /not empty/);
});
