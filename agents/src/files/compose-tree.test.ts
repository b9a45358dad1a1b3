import assert from "node:assert/strict";
import {
	appendFileSync,
	chmodSync,
	existsSync,
	linkSync,
	mkdirSync,
	mkdtempSync,
	readFileSync,
	rmSync,
	statSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compareTree } from "./compare-tree.ts";
import { composeTree } from "./compose-tree.ts";
import type { Choice } from "./job.ts";
import { listTree } from "./list-tree.ts";
import { plantArchive } from "./plant-archive.ts";
import { rawOf } from "./raw-path.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-compose-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const signal = new AbortController().signal;
let made = 0;

/** A tree, its archive, and what became of the tree since. */
async function plant(): Promise<{ root: string; archive: string; target: string }> {
	made += 1;
	const place = join(scratch, `${made}`);
	const [root, archive] = [join(place, "tree"), join(place, "archive")];
	mkdirSync(join(root, "in/deep"), { recursive: true });
	for (const name of ["a", "b", "in/c", "in/deep/d", "in.txt"])
		writeFileSync(join(root, name), `old ${name}`);
	linkSync(join(root, "a"), join(root, "in/link"));
	symlinkSync("a", join(root, "in/sym"));
	await plantArchive(root, archive, signal);
	rmSync(join(root, "in/deep"), { recursive: true });
	rmSync(join(root, "a"));
	writeFileSync(join(root, "a"), "new a");
	writeFileSync(join(root, "in/c"), "new c");
	writeFileSync(join(root, "in/new"), "new");
	writeFileSync(join(root, "kept"), "kept");
	chmodSync(join(root, "kept"), 0o640);
	linkSync(join(root, "in/c"), join(root, "zlink"));
	return { root, archive, target: join(place, "made") };
}

/** Makes the choice's tree, and asks the comparison whether it is what was chosen. */
async function compose(choice: Choice, over = true) {
	const { root, archive, target } = await plant();
	const present = over ? { present: root } : {};
	const before = [...listTree(rawOf(root))];
	const counted = await compareTree({
		...{ wanted: { archive, choice, ...(over ? { over: root } : {}) }, signal },
		...(over ? { root } : {}),
	});
	await composeTree({ archive, target, choice, ...present, signal });
	assert.deepEqual([...listTree(rawOf(root))], before, "the present tree is only read");
	const wanted = { archive, choice, ...(over ? { over: root } : {}) };
	const { replaces, adds, removes } = await compareTree({ wanted, root: target, exact: true, signal });
	assert.deepEqual({ replaces, adds, removes }, { replaces: 0, adds: 0, removes: 0 });
	return { target, counted, read: (name: string) => readFileSync(join(target, name), "utf8") };
}

test("chosen paths become what the archive holds, and all else stays", async () => {
	const { target, read, counted } = await compose({ paths: ["in"] });
	assert.equal(read("in/c"), "old in/c");
	assert.equal(read("in/deep/d"), "old in/deep/d");
	assert.equal(
		existsSync(join(target, "in/new")),
		false,
		"what is not in the archive is gone from the folder",
	);
	assert.equal(read("a"), "new a");
	assert.equal(read("kept"), "kept");
	assert.equal(statSync(join(target, "kept")).mode & 0o777, 0o640);
	assert.equal(read("in/link"), "old a", "a link to what was not chosen has its content");
	assert.notEqual(statSync(join(target, "in/link")).ino, statSync(join(target, "a")).ino);
	assert.equal(read("zlink"), "new c", "a kept link to what was replaced keeps its content");
	const { replaces, adds, removes } = counted;
	assert.deepEqual({ replaces, adds, removes }, { replaces: 1, adds: 2, removes: 1 });
});

test("a file whose folders are gone is put back with them", async () => {
	const { target, read } = await compose({ paths: ["in/deep/d", "b"] });
	assert.equal(read("in/deep/d"), "old in/deep/d");
	assert.equal(read("in/new"), "new");
	assert.equal(statSync(join(target, "zlink")).ino, statSync(join(target, "in/c")).ino, "links stay links");
});

test("a merge puts the archive's entries over what is there and removes nothing", async () => {
	const { read, counted } = await compose({ merge: true });
	for (const name of ["a", "b", "in/c", "in/deep/d", "in.txt"]) assert.equal(read(name), `old ${name}`);
	assert.equal(read("in/new"), "new");
	assert.equal(read("kept"), "kept");
	assert.equal(read("zlink"), "new c");
	assert.equal(counted.removes, 0);
});

test("chosen paths alone are taken out of an archive, read from no other frames", async () => {
	const { target, read } = await compose({ paths: ["in/link"] }, false);
	assert.equal(read("in/link"), "old a");
	assert.deepEqual(
		[...listTree(rawOf(target))].map(({ path }) => path),
		[".", "in", "in/link"],
	);
});

test("what the archive does not hold, or a merge would have to remove, is refused", async () => {
	const { root, archive, target } = await plant();
	const composing = { archive, target, present: root, signal };
	await assert.rejects(composeTree({ ...composing, choice: { paths: ["in/absent"] } }), {
		code: "entry-not-found",
	});
	rmSync(join(root, "b"));
	mkdirSync(join(root, "b"));
	rmSync(target, { recursive: true, force: true });
	await assert.rejects(composeTree({ ...composing, choice: { merge: true } }), /removes nothing/);
	rmSync(join(root, "in"), { recursive: true });
	writeFileSync(join(root, "in"), "a file now");
	rmSync(target, { recursive: true, force: true });
	await assert.rejects(composeTree({ ...composing, choice: { paths: ["in/c"] } }), {
		code: "unsupported",
		message: /in is a file now/,
	});
});

test("holes and attributes of what is kept and of what is chosen stay what they are", async () => {
	const place = join(scratch, "sparse");
	const [root, archive, target] = [join(place, "tree"), join(place, "archive"), join(place, "made")];
	mkdirSync(root, { recursive: true });
	for (const name of ["before", "chosen", "kept"]) {
		writeFileSync(join(root, name), "");
		truncateSync(join(root, name), 8 * 1024 * 1024);
		appendFileSync(join(root, name), `the end of ${name}`);
	}
	await plantArchive(root, archive, signal);
	writeFileSync(join(root, "chosen"), "other");
	const choice = { paths: ["chosen"] };
	await composeTree({ archive, target, choice, present: root, signal });
	for (const name of ["before", "chosen", "kept"]) {
		const content = readFileSync(join(target, name));
		assert.equal(content.subarray(8 * 1024 * 1024).toString(), `the end of ${name}`);
		assert.ok(statSync(join(target, name)).blocks * 512 < 1024 * 1024, `${name} has its hole`);
	}
});

test("a large archive is read only where what was chosen lies", async () => {
	const place = join(scratch, "large");
	const [root, archive] = [join(place, "tree"), join(place, "archive")];
	mkdirSync(root, { recursive: true });
	const noise = Buffer.alloc(3 * 1024 * 1024);
	for (let file = 0; file < 12; file += 1) {
		crypto.getRandomValues(noise.subarray(0, 65_536));
		for (let at = 65_536; at < noise.length; at += 65_536)
			crypto.getRandomValues(noise.subarray(at, at + 65_536));
		writeFileSync(join(root, `${String(file).padStart(2, "0")}`), noise);
	}
	await plantArchive(root, archive, signal);
	for (const path of ["00", "07", "11"]) {
		const target = join(place, `got-${path}`);
		const { storedBytes } = await composeTree({ archive, target, choice: { paths: [path] }, signal });
		assert.deepEqual(readFileSync(join(target, path)), readFileSync(join(root, path)));
		assert.ok(storedBytes < 17 * 1024 * 1024, `${storedBytes} of 36 MiB were read for 3 MiB`);
	}
});
