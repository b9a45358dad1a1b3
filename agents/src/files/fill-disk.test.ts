import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { plantArchive } from "./plant-archive.ts";
import { isRoot } from "./plant-corpus.ts";
import { runFileJob } from "./run-job.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-full-"));
const signal = new AbortController().signal;
const [root, disk] = [join(scratch, "tree"), join(scratch, "disk")];
const options = { skip: !isRoot && "needs root, to mount a small disk" };

before(() => {
	for (const path of [root, disk]) mkdirSync(path);
	writeFileSync(join(root, "noise"), randomBytes(12 * 1024 * 1024));
	if (isRoot) execFileSync("mount", ["-t", "tmpfs", "-o", "size=9m", "davit-test", disk]);
});

after(() => {
	if (isRoot) execFileSync("umount", [disk]);
	rmSync(scratch, { recursive: true, force: true });
});

test("a backup onto a disk that gets full names the disk and the need, and ends", options, async () => {
	const directory = join(disk, "archive");
	mkdirSync(directory);
	const packing = runFileJob({ kind: "pack", root, directory }, { signal });
	await assert.rejects(packing, {
		code: "disk-full",
		message: /the disk of .*\/disk\/archive is full; it needs up to 12582912 bytes, free are \d+ bytes/,
	});
	rmSync(directory, { recursive: true });
});

test("an unpacking that cannot fit is refused before it writes anything", options, async () => {
	const archive = join(scratch, "archive");
	await plantArchive(root, archive, signal);
	const target = join(disk, "target");
	const unpacking = runFileJob({ kind: "unpack", archive, target }, { signal });
	await assert.rejects(unpacking, {
		code: "disk-full",
		message: /needs 12582912 bytes, and its disk has \d+ free/,
	});
	assert.deepEqual(readdirSync(target), []);
});

test("a disk that can only be read is said to be one, not to be full", options, async () => {
	execFileSync("mount", ["-o", "remount,ro", disk]);
	const packing = runFileJob({ kind: "pack", root, directory: disk }, { signal });
	await assert.rejects(packing, { code: "path-not-allowed", message: /the disk of .* can only be read/ });
});
