import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { compareTree } from "./compare-tree.ts";
import { findStretches } from "./find-holes.ts";
import { packTarStream } from "./pack-tar-stream.ts";
import { entriesOf, plantArchive } from "./plant-archive.ts";
import { requireSystem } from "./plant-attributes.ts";
import { isRoot, plantCorpus, plantSparse } from "./plant-corpus.ts";
import { ByteSource } from "./read-bytes.ts";
import { TarReader } from "./read-tar.ts";
import { runFileJob } from "./run-job.ts";
import type { TreeEntry } from "./tree-entry.ts";
import { tarHeader } from "./write-tar.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-holes-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const signal = AbortSignal.timeout(120_000);
const [megabyte, gigabyte] = [1024 ** 2, 1024 ** 3];
let made = 0;

function place(): string {
	made += 1;
	return join(scratch, `${made}`);
}

/** Allocated on the disk, which is what a hole saves. */
function diskBytes(path: string): number {
	return statSync(path).blocks * 512;
}

for (const [name, size, at] of [
	["a hole of 1 GiB", gigabyte, [0, gigabyte - 5]],
	["a file of 20 GiB, more than a plain header can say, with a real end", 20 * gigabyte, [20 * gigabyte - 5]],
] as const) {
	test(`${name} costs less than 1 MiB in the archive and on the disk, and comes back`, async () => {
		const [root, archive, target] = [place(), place(), place()];
		mkdirSync(root);
		plantSparse(join(root, "disk"), size, at);
		const packed = await plantArchive(root, archive, signal);
		const storedBytes = packed.artefacts.reduce((sum, { bytes }) => sum + bytes, 0);
		assert.ok(storedBytes < megabyte, `${storedBytes} bytes are stored`);
		assert.ok(packed.contentBytes < megabyte, `${packed.contentBytes} bytes are in the tar`);
		await runFileJob({ kind: "unpack", archive, target }, { signal });
		assert.equal(statSync(join(target, "disk")).size, size);
		assert.ok(diskBytes(join(target, "disk")) < megabyte, `${diskBytes(join(target, "disk"))} on the disk`);
		const { examples } = await compareTree({ wanted: { archive }, root: target, exact: true, signal });
		assert.deepEqual(examples, { replaces: [], adds: [], removes: [] });
		// A second opinion: GNU tar makes the same file of it, with the same hole.
		const byTar = place();
		mkdirSync(byTar);
		execFileSync("sh", ["-c", `zstd -dc "$0" | tar -xp -C "$1"`, join(archive, "content.tar.zst"), byTar]);
		assert.equal(statSync(join(byTar, "disk")).size, size);
		assert.ok(diskBytes(join(byTar, "disk")) < megabyte);
		const again = await compareTree({ wanted: { archive }, root: byTar, signal });
		assert.deepEqual(again.examples.replaces, []);
	});
}

test("something that appeared in a hole is found, and so is content that became a hole", async () => {
	const [root, archive] = [place(), place()];
	mkdirSync(root);
	plantSparse(join(root, "disk"), 8 * megabyte, [0, 4 * megabyte]);
	await plantArchive(root, archive, signal);
	const { mtimeMs } = statSync(join(root, "disk"));
	for (const places of [[0, 2 * megabyte, 4 * megabyte], [0], []]) {
		plantSparse(join(root, "disk"), 8 * megabyte, places);
		requireSystem().setTime(join(root, "disk"), BigInt(Math.round(mtimeMs * 1e6)));
		const { examples } = await compareTree({ wanted: { archive }, root, signal });
		assert.deepEqual(examples.replaces, ["disk"], `content at ${places.join()}`);
	}
});

test("a file of thousands of stretches is stored in at most 4096, and is the same", async () => {
	const [root, archive, target] = [place(), place(), place()];
	mkdirSync(root);
	const places = Array.from({ length: 6000 }, (_, index) => index * 8192);
	plantSparse(join(root, "disk"), 6000 * 8192, places);
	await plantArchive(root, archive, signal);
	const entry = (await entriesOf(archive)).find(({ path }) => path === "disk");
	assert.ok((entry?.sparse?.length ?? 0) <= 4096);
	await runFileJob({ kind: "unpack", archive, target }, { signal });
	execFileSync("cmp", [join(root, "disk"), join(target, "disk")]);
});

test("a file system that knows no holes is asked once and believed", () => {
	const system = { ...requireSystem(), seek: () => -22 };
	assert.equal(findStretches(system, 0, 100), undefined);
});

for (const version of ["0.0", "0.1", "1.0"]) {
	test(`GNU tar's sparse format ${version}, its attributes and lists are read`, async () => {
		const [root, directory] = [place(), place()];
		await plantCorpus(root);
		mkdirSync(directory);
		const tar = execFileSync(
			"tar",
			[
				...["-c", "--sort=name", "--format=pax", "--sparse", `--sparse-version=${version}`],
				...["--xattrs", "--xattrs-include=*", "--acls", "-C", root, "."],
			],
			{ maxBuffer: 1 << 30, stdio: ["ignore", "pipe", "ignore"] },
		);
		const packed = await packTarStream({ stream: pieces(tar), directory, signal });
		assert.ok(packed.contentBytes < 20 * megabyte, "holes stay holes");
		const entries = await entriesOf(directory);
		const named = new Map(entries.map((entry) => [entry.path, entry]));
		assert.ok((named.get("holes/holes-between")?.sparse?.length ?? 0) >= 3);
		assert.equal(named.get("holes/holes-between")?.size, 8 * megabyte);
		const wanted = ["user.binary", "user.long", "user.odd=name%25", "user.text"];
		assert.deepEqual([...(named.get("user-attributes/file")?.xattrs?.keys() ?? [])], wanted);
		assert.ok(named.get("access-lists/file")?.xattrs?.has("system.posix_acl_access"));
		if (isRoot) assert.ok(named.get("root-attributes/program")?.xattrs?.has("security.capability"));
	});
}

async function* pieces(bytes: Buffer, size = 65_537): AsyncGenerator<Buffer> {
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test("a map that leads out of its file, overlaps or does not add up is damage", async () => {
	const entry = { path: "f", type: "file", mode: 0o644, uid: 0, gid: 0, size: 4096, mtimeNs: 0n } as const;
	const maps: Record<string, TreeEntry["sparse"]> = {
		"out of its file": [[4000, 100]],
		overlapping: [
			[0, 100],
			[50, 100],
		],
		backwards: [
			[1000, 10],
			[0, 10],
		],
	};
	for (const [name, sparse] of Object.entries(maps)) {
		const header = tarHeader({ ...entry, ...(sparse === undefined ? {} : { sparse }) });
		const tar = Buffer.concat([header, Buffer.alloc(2048)]);
		const source = new ByteSource(pieces(tar), () => new Error("cut off"));
		await assert.rejects(new TarReader(source).next(), /a sparse file's map leads out of its file/, name);
	}
	const short = tarHeader({ ...entry, sparse: [[0, 512]] });
	const map = short.subarray(-512);
	map.write("1\n0\n99\n", 0, "latin1");
	const source = new ByteSource(
		pieces(Buffer.concat([short, Buffer.alloc(2048)])),
		() => new Error("cut off"),
	);
	await assert.rejects(new TarReader(source).next(), /does not add up/);
});

test("an archive that holds a list of entries in the old format, without attributes, is still read", async () => {
	const [root, archive] = [place(), place()];
	mkdirSync(root);
	writeFileSync(join(root, "file"), "content");
	await plantArchive(root, archive, signal);
	execFileSync("sed", ["-i", 's/"version":2/"version":1/', join(archive, "MANIFEST.json")]);
	const { examples } = await compareTree({ wanted: { archive }, root, signal });
	assert.deepEqual(examples, { replaces: [], adds: [], removes: [] });
});
