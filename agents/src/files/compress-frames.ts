import { constants, createZstdCompress, type ZstdCompress } from "node:zlib";
import { releaseMemory } from "./release-memory.ts";

export type Compressed =
	| { readonly content: Buffer; readonly pieces: readonly Buffer[] }
	| { readonly error: Error };

const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag, ZSTD_e_end } = constants;
const pieceBytes = 1024 * 1024;

/**
 * Makes one zstd frame of each content, in turn, on libuv's pool. Its stream is never ended: a compressor for each frame would cost
 * as much again as a small frame, and Node begins what it ends with a copy of all of it.
 */
export class FrameCompressor implements Disposable {
	readonly #stream: ZstdCompress;
	#pieces: Buffer[] = [];

	constructor() {
		// Never sets nbWorkers: Node 24 loses bytes with it.
		const params = { [ZSTD_c_compressionLevel]: 1, [ZSTD_c_checksumFlag]: 1 };
		// With this flush each write is a whole frame.
		this.#stream = createZstdCompress({ params, flush: ZSTD_e_end, chunkSize: pieceBytes });
		this.#stream.on("data", (piece: Buffer) => this.#pieces.push(piece));
		// Whoever wrote hears of it too.
		this.#stream.on("error", () => undefined);
	}

	/** Never rejects, so that one frame's failure waits for its turn. */
	compress(content: Buffer): Promise<Compressed> {
		return new Promise((resolve) => {
			this.#stream.write(content, (error) => {
				const pieces = this.#pieces;
				this.#pieces = [];
				if (error) resolve({ error });
				else if (this.#stream.readableLength > 0) resolve({ error: new Error("zstd held a frame back") });
				else resolve({ content, pieces });
			});
		});
	}

	[Symbol.dispose](): void {
		this.#stream.destroy();
	}
}

/**
 * Gives a frame's memory back. Frames must be released in the order in which they were made: the last piece's memory may hold the
 * next frame's first.
 */
export function releasePieces(pieces: readonly Buffer[]): void {
	const last = pieces.at(-1)?.buffer;
	for (const piece of pieces) if (piece.buffer !== last) releaseMemory(piece);
}
