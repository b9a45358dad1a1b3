import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
	appendFileSync,
	lstatSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	symlinkSync,
	truncateSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { zstdCompressSync } from "node:zlib";
import { copyFile } from "./copy-file.ts";
import type { PackedTree } from "./job.ts";
import { packTree } from "./pack-tree.ts";
import { plantCorpus } from "./plant-corpus.ts";
import { rawOf } from "./raw-path.ts";
import { readEntries } from "./read-entries.ts";
import { FrameReader } from "./read-frames.ts";
import { runFileJob } from "./run-job.ts";
import { entryOf } from "./tree-entry.ts";
import { ContentWriter } from "./write-content.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-pack-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const signal = new AbortController().signal;
let made = 0;

function folder(): string {
	made += 1;
	const path = join(scratch, `${made}`);
	mkdirSync(path);
	return path;
}

function tarOf(directory: string): Buffer {
	return execFileSync("zstd", ["-dc", join(directory, "content.tar.zst")], { maxBuffer: 1 << 30 });
}

/** What GNU tar says of the content; it fails when the tar is not well-formed. */
function namesByTar(directory: string): string[] {
	const listing = execFileSync("tar", ["-t", "--quoting-style=literal", "-f", "-"], {
		input: tarOf(directory),
	});
	return listing
		.toString("latin1")
		.split("\n")
		.filter((name) => name !== "");
}

test("GNU tar and zstd read a packed tree and find no difference", async () => {
	const [root, directory] = [join(scratch, "corpus"), folder()];
	await plantCorpus(root);
	const packed = await packTree({ root, directory, signal });
	assert.deepEqual(packed.warnings, []);
	assert.equal(packed.outcome, "succeeded");
	execFileSync("tar", ["-d", "-f", "-", "-C", root], { input: tarOf(directory) });
	assert.ok(packed.losses.includes("sockets, of which there were 1"), packed.losses.join());
	assert.deepEqual([packed.fidelity, packed.losses.length], ["full", 1]);
});

test("the same tree makes the same tar and the same entries", async () => {
	const [root, one, two] = [folder(), folder(), folder()];
	for (const name of ["b", "a", "c"]) writeFileSync(join(root, name), name);
	const first = await packTree({ root, directory: one, signal });
	const second = await packTree({ root, directory: two, signal });
	assert.deepEqual(first, second);
	assert.deepEqual(namesByTar(one), ["./", "./a", "./b", "./c"]);
});

/** Packs a tree whose `big` file is changed once the first frame was read of it. */
async function packWhile(
	change: (root: string) => void,
): Promise<{ packed: PackedTree; directory: string; root: string }> {
	const [root, directory] = [folder(), folder()];
	writeFileSync(join(root, "big"), Buffer.alloc(20 * 1024 * 1024, "x"));
	writeFileSync(join(root, "last"), "the tar goes on after it");
	writeFileSync(join(root, "zlast"), "and after that");
	let changes = 0;
	const onProgress = () => {
		if (changes === 0) change(root);
		changes += 1;
	};
	const packed = await packTree({ root, directory, signal, onProgress });
	assert.ok(changes > 1, "the change came while the file was read");
	return { packed, directory, root };
}

test("a file that shrinks while it is read is filled up with zeros and reported", async () => {
	const { packed, directory } = await packWhile((root) => truncateSync(join(root, "big"), 5_000_000));
	assert.equal(packed.outcome, "partial");
	assert.match(packed.warnings.join(), /^big: shrank while it was read/);
	assert.deepEqual(namesByTar(directory), ["./", "./big", "./last", "./zlast"]);
	assert.equal(packed.contentBytes, 20 * 1024 * 1024 + 38);
});

test("a file that grows while it is read is cut at its size and reported", async () => {
	const { packed, directory } = await packWhile((root) => appendFileSync(join(root, "big"), "more and more"));
	assert.deepEqual([packed.outcome, packed.warnings], ["partial", ["big: changed while it was read"]]);
	assert.deepEqual(namesByTar(directory), ["./", "./big", "./last", "./zlast"]);
});

test("a file that vanishes before its turn is reported", async () => {
	const { packed, directory } = await packWhile((root) => rmSync(join(root, "last")));
	assert.deepEqual([packed.outcome, packed.warnings], ["partial", ["last: vanished while it was read"]]);
	assert.deepEqual(namesByTar(directory), ["./", "./big", "./zlast"]);
});

test("a file that became a symlink or a fifo is neither followed nor waited for", async () => {
	const [root, directory] = [folder(), folder()];
	for (const name of ["link", "fifo"]) writeFileSync(join(root, name), "was a file");
	const stats = ["link", "fifo"].map((name) => lstatSync(join(root, name), { bigint: true }));
	for (const name of ["link", "fifo"]) rmSync(join(root, name));
	symlinkSync("/etc/passwd", join(root, "link"));
	execFileSync("mkfifo", [join(root, "fifo")]);
	using content = new ContentWriter(directory, { signal, totalBytes: 0 });
	for (const [at, name] of ["link", "fifo"].entries()) {
		const stat = stats[at];
		assert.ok(stat);
		await copyFile(entryOf(name, stat), stat, { root: rawOf(root), content, system: undefined });
	}
	const packed = await content.finish({ fidelity: "full", losses: [] });
	assert.deepEqual(packed.warnings, [
		"link: could not be read (ELOOP)",
		"fifo: shrank while it was read; its last 10 bytes are zeros",
	]);
	assert.deepEqual(namesByTar(directory), ["./fifo"]);
});

test("an entry that is not in the tar is listed with the reason", async () => {
	const [root, directory] = [join(scratch, "corpus"), folder()];
	await packTree({ root, directory, signal });
	const skipped: [string, string | undefined][] = [];
	for await (const entry of readEntries(new FrameReader(join(directory, "entries.jsonl.zst")))) {
		if (entry.skipped !== undefined) skipped.push([entry.path, entry.skipped]);
	}
	assert.deepEqual(skipped, [["socket/socket", "a socket lives only with its program"]]);
});

test("a cancelled packing ends at once, with the reason, and leaves no file open", async () => {
	const [root, directory] = [folder(), folder()];
	for (let at = 0; at < 8; at += 1)
		writeFileSync(join(root, `${at}`), Buffer.alloc(32 * 1024 * 1024, `${at}`));
	const before = readdirSync("/proc/self/fd").length;
	const cancelling = new AbortController();
	const reason = new Error("no longer wanted");
	let last = 0;
	const packing = runFileJob(
		{ kind: "pack", root, directory },
		{
			signal: cancelling.signal,
			onProgress: ({ bytes }) => {
				last = bytes;
				cancelling.abort(reason);
			},
		},
	);
	await assert.rejects(packing, reason);
	assert.ok(last > 0 && last < 256 * 1024 * 1024, `${last} bytes were read`);
	assert.ok(readdirSync("/proc/self/fd").length <= before, "no descriptor stays open");
});

test("an archive is never written into the folder that it is of", async () => {
	const root = folder();
	mkdirSync(join(root, "archives"));
	await assert.rejects(packTree({ root, directory: join(root, "archives"), signal }), {
		code: "path-not-allowed",
	});
});

test("a folder that does not exist is named", async () => {
	const packing = packTree({ root: join(scratch, "no-such"), directory: folder(), signal });
	await assert.rejects(packing, {
		code: "path-not-found",
		message: /no-such cannot be backed up: it does not exist/,
	});
});

test("every frame is independent and has a checksum that a flipped bit breaks", async () => {
	const [root, directory] = [folder(), folder()];
	writeFileSync(join(root, "noise"), zstdCompressSync(Buffer.alloc(100)));
	writeFileSync(join(root, "zeros"), Buffer.alloc(9 * 1024 * 1024));
	const packed = await packTree({ root, directory, signal });
	assert.equal(packed.artefacts[0]?.frames, 3);
	const listing = execFileSync("zstd", ["-lv", join(directory, "content.tar.zst")]).toString();
	assert.match(listing, /# Zstandard Frames: 3/);
	assert.match(listing, /# Skippable Frames: 1/);
	assert.match(listing, /Check: XXH64/);
	const stored = readFileSync(join(directory, "content.tar.zst"));
	assert.equal(stored.readUInt32LE(stored.length - 4), 0x8f92eab1);
});
