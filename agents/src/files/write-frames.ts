import type { Seal } from "../encryption/find-header.ts";
import { StoredWriter } from "../encryption/write-stored.ts";
import { type Compressed, FrameCompressor, releasePieces } from "./compress-frames.ts";
import { type Frame, frameMagic, seekTable } from "./seek-table.ts";

export const frameBytes = 4 * 1024 * 1024;
/** Frames that are compressed at the same time. */
const lanes = 2;
/** Frames that are under way; the one above waits for a lane, so that none is ever idle. */
const inFlight = lanes;

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
	readonly #lanes: FrameCompressor[] = [];
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

	/** Writes `bytes` bytes, zeros but for what `fill` sets of them; in place where the frame has room. */
	put(bytes: number, fill: (into: Buffer, at: number) => void): void {
		const end = this.#used + bytes;
		if (end < frameBytes) {
			this.#frame.fill(0, this.#used, end);
			fill(this.#frame, this.#used);
			this.#used = end;
			return;
		}
		const own = Buffer.alloc(bytes);
		fill(own, 0);
		this.write(own);
	}

	/** In UTF-8; in place where the frame has room for whatever it takes. */
	writeText(text: string): void {
		if (this.#used + 3 * text.length >= frameBytes) this.write(Buffer.from(text));
		else this.#used += this.#frame.write(text, this.#used);
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
		for (const lane of this.#lanes) lane[Symbol.dispose]();
		this.#file[Symbol.dispose]();
	}

	#dispatch(): void {
		const frame = this.#frame;
		const content = frame.subarray(0, this.#used);
		this.#pending.push(this.#lane().compress(content));
		this.#frame = this.#spare.pop() ?? Buffer.allocUnsafeSlow(frameBytes);
		this.#used = 0;
	}

	/** Each in its turn. */
	#lane(): FrameCompressor {
		const turn = this.filled % lanes;
		const lane = this.#lanes[turn] ?? new FrameCompressor();
		this.#lanes[turn] = lane;
		return lane;
	}

	async #store(): Promise<void> {
		const compressed = await this.#pending.shift();
		if (compressed === undefined) return;
		if ("error" in compressed) throw compressed.error;
		const { content, pieces } = compressed;
		// Node has resolved with no bytes at all before (nodejs/node#59899); what begins no frame is never stored.
		if (!beginsFrame(pieces)) {
			throw new Error(`zstd made no frame of ${content.length} bytes`);
		}
		let storedBytes = 0;
		for (const piece of pieces) {
			this.#file.append(piece);
			storedBytes += piece.length;
		}
		releasePieces(pieces);
		this.#frames.push({ storedBytes, contentBytes: content.length });
		if (content.length === frameBytes) this.#spare.push(content);
	}
}

/** A piece may be as short as one byte. */
function beginsFrame(pieces: readonly Buffer[]): boolean {
	const start = Buffer.concat(pieces.map((piece) => piece.subarray(0, 4)));
	return start.length >= 4 && start.readUInt32LE(0) === frameMagic;
}
