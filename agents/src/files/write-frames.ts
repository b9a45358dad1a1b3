import { constants, zstdCompress } from "node:zlib";
import type { Seal } from "../encryption/find-header.ts";
import { StoredWriter } from "../encryption/write-stored.ts";
import { type Frame, frameMagic, seekTable } from "./seek-table.ts";

export const frameBytes = 4 * 1024 * 1024;
/** Frames that are compressed at the same time, on libuv's pool. */
const inFlight = 3;

export interface WrittenFrames {
	readonly bytes: number;
	readonly sha256: string;
	readonly contentBytes: number;
	/** Only where it was asked for. */
	readonly contentSha256?: string;
	readonly frames: number;
}

/**
 * A file of independent zstd frames of 4 MiB of content, with a seek table at its end. Filling is synchronous; call `drain`
 * between fillings, or memory grows.
 */
export class FrameWriter {
	readonly #file: StoredWriter;
	readonly #frames: Frame[] = [];
	readonly #pending: Promise<Compressed>[] = [];
	readonly #spare: Buffer[] = [];
	#frame: Buffer = Buffer.allocUnsafeSlow(frameBytes);
	#used = 0;

	/** @param seal encrypts the file */
	constructor(path: string, seal?: Seal) {
		this.#file = new StoredWriter(path, seal);
	}

	/** The part of the present frame that waits to be filled; never empty. */
	space(): Buffer {
		return this.#frame.subarray(this.#used);
	}

	/** Says that the first `bytes` of `space()` were filled. */
	advance(bytes: number): void {
		this.#used += bytes;
		if (this.#used === frameBytes) this.#dispatch();
	}

	write(bytes: Uint8Array): void {
		let at = 0;
		while (at < bytes.length) {
			const space = this.space();
			const part = bytes.subarray(at, at + space.length);
			space.set(part);
			this.advance(part.length);
			at += part.length;
		}
	}

	writeZeros(bytes: number): void {
		let left = bytes;
		while (left > 0) {
			const space = this.space().subarray(0, left);
			space.fill(0);
			this.advance(space.length);
			left -= space.length;
		}
	}

	/** Frames that were filled so far. */
	get filled(): number {
		return this.#frames.length + this.#pending.length;
	}

	/** Waits until fewer frames are under way than may be. */
	async drain(): Promise<void> {
		while (this.#pending.length >= inFlight) await this.#store();
	}

	/** Stores what is left and the seek table, and makes the file durable. */
	async finish(): Promise<WrittenFrames> {
		if (this.#used > 0) this.#dispatch();
		while (this.#pending.length > 0) await this.#store();
		this.#file.append(seekTable(this.#frames));
		return {
			...this.#file.finish(),
			contentBytes: this.#frames.reduce((sum, frame) => sum + frame.contentBytes, 0),
			frames: this.#frames.length,
		};
	}

	[Symbol.dispose](): void {
		this.#file[Symbol.dispose]();
	}

	#dispatch(): void {
		const frame = this.#frame;
		const content = frame.subarray(0, this.#used);
		this.#pending.push(compress(content));
		this.#frame = this.#spare.pop() ?? Buffer.allocUnsafeSlow(frameBytes);
		this.#used = 0;
	}

	async #store(): Promise<void> {
		const compressed = await this.#pending.shift();
		if (compressed === undefined) return;
		if ("error" in compressed) throw compressed.error;
		const { content, stored } = compressed;
		// Node has resolved with no bytes at all before (nodejs/node#59899); what begins no frame is never stored.
		if (stored.length < 4 || stored.readUInt32LE(0) !== frameMagic) {
			throw new Error(`zstd made no frame of ${content.length} bytes`);
		}
		this.#frames.push({ storedBytes: stored.length, contentBytes: content.length });
		this.#file.append(stored);
		if (content.length === frameBytes) this.#spare.push(content);
	}
}

type Compressed = { readonly content: Buffer; readonly stored: Buffer } | { readonly error: Error };

const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = constants;

/** Never rejects, so that one frame's failure waits for its turn. Never sets nbWorkers: Node 24 loses bytes with it. */
function compress(content: Buffer): Promise<Compressed> {
	const options = {
		params: { [ZSTD_c_compressionLevel]: 1, [ZSTD_c_checksumFlag]: 1 },
		pledgedSrcSize: content.length,
		// Into one piece of memory: zstd never makes more of it (ZSTD_COMPRESSBOUND), and joining pieces is a copy.
		chunkSize: content.length + (content.length >> 8) + 1024,
	};
	return new Promise((resolve) => {
		zstdCompress(content, options, (error, stored) => resolve(error ? { error } : { content, stored }));
	});
}
