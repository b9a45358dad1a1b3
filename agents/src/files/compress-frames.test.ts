import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { FrameCompressor, releasePieces } from "./compress-frames.ts";
import { FrameReader } from "./read-frames.ts";
import { FrameWriter, frameBytes } from "./write-frames.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-frames-"));
after(() => rmSync(scratch, { recursive: true, force: true }));

async function piecesOf(compressor: FrameCompressor, content: Buffer): Promise<readonly Buffer[]> {
	const made = await compressor.compress(content);
	assert.ok("pieces" in made);
	return made.pieces;
}

test("each content becomes one whole frame, wherever its pieces of memory end", async () => {
	const pieceBytes = 1024 * 1024;
	const probe = randomBytes(1_000_000);
	using probing = new FrameCompressor();
	const overhead = Buffer.concat(await piecesOf(probing, probe)).length - probe.length;
	using compressor = new FrameCompressor();
	await piecesOf(compressor, randomBytes(pieceBytes - 2 - overhead));
	const [short] = await piecesOf(compressor, randomBytes(100));
	assert.equal(short?.length, 2, "a frame began in the last two bytes of a piece");
	const contents = [randomBytes(5_000), Buffer.alloc(frameBytes), randomBytes(frameBytes), randomBytes(1)];
	for (const content of contents) {
		const pieces = await piecesOf(compressor, content);
		assert.ok(zstdDecompressSync(Buffer.concat(pieces)).equals(content));
		releasePieces(pieces);
	}
});

test("memory that is given back holds nothing of a frame that is still to be stored", async () => {
	const path = join(scratch, "mixed");
	const parts: Buffer[] = [];
	{
		using writer = new FrameWriter(path);
		for (let part = 0; part < 40; part += 1) {
			const bytes = part % 3 === 0 ? randomBytes(1_500_000) : Buffer.alloc(1_000_000, `${part} `);
			parts.push(bytes);
			writer.write(bytes);
			await writer.drain();
		}
		await writer.finish();
	}
	using reader = new FrameReader(path);
	const found: Buffer[] = [];
	for await (const part of reader) found.push(Buffer.from(part));
	assert.ok(Buffer.concat(found).equals(Buffer.concat(parts)));
});
