import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { compareTree } from "./compare-tree.ts";
import type { FoundDatabase } from "./job.ts";
import { packTarStream } from "./pack-tar-stream.ts";
import { manifestFor } from "./plant-archive.ts";
import { plantCorpus } from "./plant-corpus.ts";
import { rawOf } from "./raw-path.ts";
import { ByteSource } from "./read-bytes.ts";
import { TarReader } from "./read-tar.ts";
import { verifyContent } from "./verify-content.ts";
import { tarHeader } from "./write-tar.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-stream-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const signal = new AbortController().signal;
const corpus = join(scratch, "corpus");
let made = 0;

before(() => plantCorpus(corpus));

function folder(): string {
	made += 1;
	const path = join(scratch, `${made}`);
	mkdirSync(path);
	return path;
}

/** A tar as the engine streams it: below the folder's own name, in pieces of any size. */
function tarByGnu(...options: string[]): Buffer {
	return execFileSync("tar", ["-c", "--sort=name", ...options, "-C", scratch, "corpus"], {
		maxBuffer: 1 << 30,
		stdio: ["ignore", "pipe", "ignore"],
	});
}

async function* pieces(bytes: Buffer, size = 65_537): AsyncGenerator<Buffer> {
	for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

for (const format of ["pax", "gnu"]) {
	test(`a ${format} tar by GNU tar becomes an archive of the same tree`, async () => {
		const directory = folder();
		const stream = pieces(tarByGnu(`--format=${format}`));
		const packed = await packTarStream({ stream, directory, signal });
		assert.equal(packed.fidelity, "reduced");
		assert.ok(packed.losses.includes("fractions of seconds in times"));
		writeFileSync(join(directory, "MANIFEST.json"), JSON.stringify(manifestFor(packed)));
		await verifyContent({ archive: directory, signal });
		const comparison = await compareTree({ wanted: { archive: directory }, root: corpus, signal });
		assert.deepEqual(comparison.examples, { replaces: [], adds: [], removes: ["socket/socket"] });
	});
}

test("a stream that ends cleanly before the tar does is refused, wherever it was cut", async () => {
	const whole = tarByGnu(
		"--format=pax",
		"--exclude=file-of-frames",
		"--exclude=exactly-one-frame",
		"--exclude=holes",
	);
	let end = whole.length;
	while (whole[end - 1] === 0) end -= 1;
	// The marker is the first two blocks of zeros after the last that holds something.
	const markerEnd = Math.ceil(end / 512) * 512 + 1024;
	for (let cut = 0; cut < markerEnd; cut += 487) {
		const packing = packTarStream({ stream: pieces(whole.subarray(0, cut)), directory: folder(), signal });
		await assert.rejects(packing, { code: "source-changed" }, `cut at ${cut}`);
	}
	await packTarStream({ stream: pieces(whole.subarray(0, markerEnd)), directory: folder(), signal });
});

test("a tar with a broken header, a stray path or a foreign type is refused", async () => {
	const root = { path: ".", type: "directory", mode: 0o755, uid: 0, gid: 0, size: 0, mtimeNs: 0n } as const;
	const end = Buffer.alloc(1024);
	const flipped = tarHeader({ ...root, path: "a" });
	flipped[3] = 0x7a;
	const foreign = tarHeader({ ...root, path: "a" });
	foreign.write("V", 156, "latin1");
	const cases: Record<string, Buffer[]> = {
		"a wrong checksum": [tarHeader(root), flipped, end],
		"a path out of the tree": [tarHeader(root), tarHeader({ ...root, path: "../a" }), end],
		"a child before its directory": [tarHeader(root), tarHeader({ ...root, path: "a/b" }), end],
		"a foreign type": [tarHeader(root), foreign, end],
		"something after the end": [tarHeader(root), end, tarHeader({ ...root, path: "late" })],
		"no directory first": [tarHeader({ ...root, path: "f", type: "fifo" }), end],
		"nothing at all": [end],
	};
	for (const [name, blocks] of Object.entries(cases)) {
		const packing = packTarStream({ stream: pieces(Buffer.concat(blocks)), directory: folder(), signal });
		await assert.rejects(packing, { code: "archive-corrupt" }, name);
	}
});

test("files that look like a database's are told by their first bytes, however the engine cuts them", async () => {
	const plain = { path: ".", type: "file", mode: 0o644, uid: 0, gid: 0, size: 0, mtimeNs: 0n } as const;
	const contents = {
		"app.db": "SQLite format 3\0 and pages",
		"app.db-wal": "",
		"notes.db": "SQLite format 3, said a text",
		"pgdata.pid": "1\n",
		"postmaster.pid": "1\n",
		"short.sqlite": "SQLite",
		store: "SQLite format 3\0",
		"store-wal": "frames",
	};
	const files = Object.entries(contents).flatMap(([path, text]) => {
		const content = Buffer.alloc(Math.ceil(text.length / 512) * 512);
		content.write(text, "latin1");
		return [tarHeader({ ...plain, path, size: text.length }), content];
	});
	const tar = Buffer.concat([tarHeader({ ...plain, type: "directory" }), ...files, Buffer.alloc(1024)]);
	for (const size of [1, 7, 512, tar.length]) {
		const found: string[] = [];
		const onDatabase = ({ path, kind }: FoundDatabase) => found.push(`${path} ${kind}`);
		await packTarStream({ stream: pieces(tar, size), directory: folder(), signal, onDatabase });
		const wanted = ["app.db SQLite", "app.db-wal SQLite", "postmaster.pid Postgres", "store-wal SQLite"];
		assert.deepEqual(found, wanted, `in pieces of ${size}`);
	}
});

test("numbers, names and times that a plain header cannot hold come back as they were", async () => {
	const entry = {
		path: rawOf(`${"ü/".repeat(120)}end`),
		type: "file",
		mode: 0o6755,
		uid: 3_000_000_000,
		gid: 2_097_152,
		size: 20 * 1024 ** 3,
		mtimeNs: -1_500_000_001n,
	} as const;
	const source = new ByteSource(pieces(tarHeader(entry)), () => new Error("cut off"));
	assert.deepEqual(await new TarReader(source).next(), entry);
});

test("a stream that fails passes its own error on", async () => {
	async function* failing(): AsyncGenerator<Buffer> {
		yield Buffer.alloc(0);
		throw new Error("the engine hung up");
	}
	await assert.rejects(
		packTarStream({ stream: failing(), directory: folder(), signal }),
		/the engine hung up/,
	);
});
