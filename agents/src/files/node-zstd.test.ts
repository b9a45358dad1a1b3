import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { after, test } from "node:test";
import {
	constants,
	createZstdCompress,
	createZstdDecompress,
	zstdCompressSync,
	zstdDecompressSync,
} from "node:zlib";
import { FrameReader } from "./read-frames.ts";
import { FrameWriter } from "./write-frames.ts";

// What Node's zstd does with frames, and the way round each: the reference calls them N1 to N5. Where a newer Node does better a
// test here fails first, and the way round may go.

const scratch = mkdtempSync(join(tmpdir(), "davit-zstd-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const frame = zstdCompressSync(Buffer.from("the first frame"));
const { ZSTD_c_nbWorkers, ZSTD_c_checksumFlag, ZSTD_c_compressionLevel } = constants;
let made = 0;

/** A file of ours that holds the parts. */
async function write(...parts: readonly Buffer[]): Promise<string> {
	made += 1;
	const path = join(scratch, `${made}`);
	using writer = new FrameWriter(path);
	for (const part of parts) {
		writer.write(part);
		await writer.drain();
	}
	await writer.finish();
	return path;
}

async function read(path: string): Promise<Buffer> {
	const parts: Buffer[] = [];
	using reader = new FrameReader(path);
	for await (const part of reader) parts.push(Buffer.from(part));
	return Buffer.concat(parts);
}

async function collect(chunks: AsyncIterable<Buffer>): Promise<Buffer> {
	const parts: Buffer[] = [];
	for await (const chunk of chunks) parts.push(chunk);
	return Buffer.concat(parts);
}

test("N1: a stream with workers may end before its output does; ours never asks for workers, and all of it is there", async () => {
	const content = randomBytes(24 * 1024 * 1024);
	const stream = createZstdCompress({ params: { [ZSTD_c_nbWorkers]: 2 } });
	const stored = await collect(Readable.from([content]).pipe(stream));
	// Either Node mends it, or what came out is less than what went in and cannot be the whole of random bytes.
	const isWhole = stored.length >= content.length;
	assert.ok(isWhole || stored.length < content.length / 2, `${stored.length} of ${content.length} bytes`);
	const path = await write(content);
	assert.ok((await read(path)).equals(content));
	const byZstd = execFileSync("zstd", ["-dc"], { input: readFileSync(path), maxBuffer: 1 << 30 });
	assert.ok(byZstd.equals(content), "and zstd itself agrees");
	const source = readFileSync(new URL("./compress-frames.ts", import.meta.url), "utf8");
	assert.doesNotMatch(source, /ZSTD_c_nbWorkers/);
});

test("N2: Node decodes only the first of several frames; ours cuts them apart by the seek table and loses none", async () => {
	const two = Buffer.concat([frame, zstdCompressSync(Buffer.from(", the second"))]);
	assert.equal(zstdDecompressSync(two).toString(), "the first frame");
	assert.equal(execFileSync("zstd", ["-dc"], { input: two }).toString(), "the first frame, the second");
	const content = randomBytes(9 * 1024 * 1024);
	const path = await write(content);
	assert.ok((await read(path)).equals(content));
});

test("N3: Node's stream may add an empty frame; ours stores none, also of nothing and of exact multiples", async () => {
	const streamed = await collect(Readable.from([Buffer.from("content")]).pipe(createZstdCompress()));
	assert.equal(execFileSync("zstd", ["-dc"], { input: streamed }).toString(), "content");
	for (const [bytes, frames] of [
		[0, 0],
		[1, 1],
		[4 * 1024 * 1024, 1],
		[8 * 1024 * 1024, 2],
	] as const) {
		const path = await write(Buffer.alloc(bytes, "x"));
		const listing = execFileSync("zstd", ["-lv", path]).toString();
		assert.match(
			listing,
			frames === 0 ? /# Skippable Frames: 1/ : new RegExp(`# Zstandard Frames: ${frames}\\n`),
		);
		assert.equal((await read(path)).length, bytes);
	}
});

test("N4: a frame that was cut off is an error for us, wherever it was cut, whatever Node says", async () => {
	const content = randomBytes(20_000);
	const path = await write(content);
	const stored = readFileSync(path);
	for (let length = 0; length < stored.length; length += 97) {
		writeFileSync(path, stored.subarray(0, length));
		await assert.rejects(read(path), { code: "archive-corrupt" }, `${length} of ${stored.length} bytes`);
	}
	const cut = zstdCompressSync(content).subarray(0, 10_000);
	await assert.rejects(collect(Readable.from([cut]).pipe(createZstdDecompress())), "this Node sees it too");
});

test("N5: without a checksum a flipped bit passes; ours has one in each frame, and the bit is found", async () => {
	const content = randomBytes(100_000);
	const flip = (stored: Buffer) => {
		const flipped = Buffer.from(stored);
		flipped[50_000] = (flipped[50_000] ?? 0) ^ 1;
		return flipped;
	};
	const bare = flip(zstdCompressSync(content, { params: { [ZSTD_c_compressionLevel]: 1 } }));
	assert.ok(!zstdDecompressSync(bare).equals(content), "Node gives back other bytes and says nothing");
	const checked = { params: { [ZSTD_c_compressionLevel]: 1, [ZSTD_c_checksumFlag]: 1 } };
	assert.throws(() => zstdDecompressSync(flip(zstdCompressSync(content, checked))));
	const path = await write(content);
	writeFileSync(path, flip(readFileSync(path)));
	await assert.rejects(read(path), { code: "archive-corrupt", message: /a frame cannot be decoded/ });
});
