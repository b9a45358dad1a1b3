import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
	existsSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { numbersFrom, seedOf } from "@davit/protocol/testing/seed.ts";
import { compareTree, isSameTree } from "./compare-tree.ts";
import { forgeArchive, plantArchive } from "./plant-archive.ts";
import { isRoot, plantCorpus } from "./plant-corpus.ts";
import { runFileJob } from "./run-job.ts";
import { syncEach } from "./sync-tree.ts";
import { unpackTree } from "./unpack-tree.ts";
import { verifyContent } from "./verify-content.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-unpack-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const signal = new AbortController().signal;
const [corpus, archive] = [join(scratch, "corpus"), join(scratch, "archive")];
let made = 0;

function place(): string {
	made += 1;
	return join(scratch, `place-${made}`);
}

before(async () => {
	await plantCorpus(corpus);
	await plantArchive(corpus, archive, signal);
});

test("a tree comes back from its archive as it was, to names, owners, modes, times, links and nodes", async () => {
	const target = place();
	const unpacked = await runFileJob({ kind: "unpack", archive, target }, { signal });
	assert.deepEqual(unpacked.losses, isRoot ? [] : ["owners, which only root can set: ."]);
	const comparison = await compareTree({ wanted: { archive }, root: target, exact: true, signal });
	assert.deepEqual(comparison.examples, { replaces: [], adds: [], removes: [] });
	assert.ok(isSameTree(comparison));
	assert.equal(comparison.sameEntries, unpacked.entries);
	// A second opinion, by programs that share nothing with this one.
	assert.deepEqual(listing(target), listing(corpus));
	execFileSync(
		"diff",
		["-r", "--no-dereference", "--exclude=fifo", "--exclude=socket", "--exclude=null", corpus, target],
		{
			stdio: ["ignore", "inherit", "inherit"],
		},
	);
});

/** Times in whole seconds: what is finer is compared by `compareTree`. */
function listing(root: string): string[] {
	const format = ["-printf", "%P|%y|%m|%U|%G|%n|%l|%T@\\n"];
	const found = execFileSync("find", [".", "!", "-type", "s", ...format], { cwd: root });
	const lines = found.toString("latin1").split("\n").sort();
	return lines.map((line) => line.replace(/\|(-?\d+)\.\d+$/, "|$1"));
}

test("GNU tar unpacks the archive to the same tree", { skip: !isRoot && "needs root" }, async () => {
	const target = place();
	mkdirSync(target);
	execFileSync("sh", [
		"-c",
		`zstd -dc "$0" | tar -xp --numeric-owner --xattrs --xattrs-include='*' --acls -C "$1"`,
		`${archive}/content.tar.zst`,
		target,
	]);
	const { examples } = await compareTree({ wanted: { archive }, root: target, exact: true, signal });
	assert.deepEqual(examples, { replaces: [], adds: [], removes: [] });
});

test("a target that holds something is left alone", async () => {
	const target = place();
	mkdirSync(target);
	writeFileSync(join(target, "precious"), "mine");
	await assert.rejects(unpackTree({ archive, target, signal }), /is not empty/);
	assert.deepEqual(readdirSync(target), ["precious"]);
});

test("archives that lead out of their tree are refused and write nothing outside", async () => {
	const outside = place();
	mkdirSync(outside);
	writeFileSync(join(outside, "victim"), "mine");
	const root = {};
	const cases: Record<string, readonly Parameters<typeof forgeArchive>[1][number][]> = {
		"dot-dot": [root, { path: "../escaped", type: "fifo" }],
		"dot-dot inside": [root, { path: "a" }, { path: "a/../../escaped" }],
		absolute: [root, { path: `${outside}/escaped` }],
		"no root first": [{ path: "a" }],
		"through a symlink": [root, { path: "s", type: "symlink", target: outside }, { path: "s/escaped" }],
		"a directory over a symlink": [root, { path: "s", type: "symlink", target: outside }, { path: "s" }],
		"a link to outside": [root, { path: "l", type: "hardlink", target: `${outside}/victim` }],
		"a link through a symlink": [
			root,
			{ path: "s", type: "symlink", target: outside },
			{ path: "l", type: "hardlink", target: "s/victim" },
		],
		"the same name twice": [root, { path: "a" }, { path: "a" }],
		"a child of a file": [root, { path: "f", type: "file", sha256: emptySha256 }, { path: "f/a" }],
	};
	for (const [name, entries] of Object.entries(cases)) {
		const [forged, target] = [place(), place()];
		await forgeArchive(forged, entries);
		await assert.rejects(unpackTree({ archive: forged, target, signal }), { code: "archive-corrupt" }, name);
		assert.deepEqual(readdirSync(outside), ["victim"], name);
		assert.equal(lstatSync(join(outside, "victim")).nlink, 1, name);
		assert.equal(existsSync(join(scratch, "escaped")), false, name);
	}
});

const emptySha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

test("content that is not what its entry says is refused", async () => {
	const [forged, target] = [place(), place()];
	await forgeArchive(forged, [{}, { path: "f", type: "file", sha256: "0".repeat(64) }]);
	await assert.rejects(unpackTree({ archive: forged, target, signal }), {
		code: "archive-corrupt",
		message: /the content of f is not what was backed up/,
	});
});

test("an archive cut off or flipped anywhere is never taken for good", async (t) => {
	const [root, small] = [place(), place()];
	mkdirSync(root);
	for (let at = 0; at < 40; at += 1) writeFileSync(join(root, `${at}`), `${at}`.repeat(1 + 50 * at));
	await plantArchive(root, small, signal);
	const seed = seedOf(t);
	const next = numbersFrom(seed);
	for (const name of ["content.tar.zst", "entries.jsonl.zst"]) {
		const path = join(small, name);
		const good = readFileSync(path);
		for (let round = 0; round < 200; round += 1) {
			const bad = Buffer.from(good.subarray(0, round % 4 === 0 ? next(good.length) : good.length));
			if (bad.length === good.length) {
				const at = next(good.length);
				bad[at] = (bad[at] ?? 0) ^ (1 << next(8));
			}
			writeFileSync(path, bad);
			const label = `seed ${seed}, round ${round} of ${name}, ${bad.length} of ${good.length} bytes`;
			await assert.rejects(verifyContent({ archive: small, signal }), { code: "archive-corrupt" }, label);
		}
		writeFileSync(path, good);
	}
	await verifyContent({ archive: small, signal });
});

test("a whole file that is missing is named", async () => {
	const [root, small] = [place(), place()];
	mkdirSync(root);
	await plantArchive(root, small, signal);
	rmSync(join(small, "entries.jsonl.zst"));
	await assert.rejects(verifyContent({ archive: small, signal }), {
		code: "archive-corrupt",
		message: /entries\.jsonl\.zst cannot be read: it is missing/,
	});
});

test("a cancelled unpacking ends with the reason", async () => {
	const cancelling = new AbortController();
	cancelling.abort(new Error("no longer wanted"));
	await assert.rejects(
		unpackTree({ archive, target: place(), signal: cancelling.signal }),
		/no longer wanted/,
	);
});

test("a tree can be made durable without sync -f", async () => {
	await syncEach(corpus, signal);
});
