import { zstdDecompress } from "node:zlib";
import { StoredReader } from "../encryption/read-stored.ts";
import { type Frame, readSeekTable, seekFooterBytes, seekTableBytes } from "./seek-table.ts";
import { frameBytes } from "./write-frames.ts";

/**
 * A file of zstd frames, open for reading any of them. Node's decoder stops after the first frame, so each is cut out by the seek
 * table and decoded alone, on libuv's pool.
 * @throws OperationError archive-corrupt
 */
export class FrameFile implements Disposable {
	readonly frames: readonly Frame[];
	readonly #file: StoredReader;
	/** Where each frame begins. */
	readonly #positions: readonly number[];

	/** @param fileKey of an encrypted file, in base64 */
	constructor(path: string, fileKey?: string) {
		this.#file = new StoredReader(path, fileKey);
		try {
			this.frames = readTable(this.#file);
		} catch (error) {
			this.#file[Symbol.dispose]();
			throw error;
		}
		let position = 0;
		this.#positions = this.frames.map(({ storedBytes }) => {
			position += storedBytes;
			return position - storedBytes;
		});
	}

	/** The stored bytes of frame `number`, counted from 0. */
	stored(number: number): Buffer {
		return this.#file.read(this.#positions[number] ?? 0, this.frames[number]?.storedBytes ?? 0);
	}

	/** What a frame's stored bytes hold. Never rejects, so that one frame's failure waits for its turn. */
	decode(stored: Buffer, number: number): Promise<Buffer | Error> {
		return decompress(stored, this.frames[number]?.contentBytes ?? 0);
	}

	/** The content of frame `number`, counted from 0. */
	async content(number: number): Promise<Buffer> {
		const content = await this.decode(this.stored(number), number);
		if (Buffer.isBuffer(content)) return content;
		throw this.corrupt("a frame cannot be decoded", content);
	}

	/** Of the file on the disk. */
	summary(): ReturnType<StoredReader["summary"]> {
		return this.#file.summary();
	}

	corrupt(why: string, cause?: unknown): ReturnType<StoredReader["corrupt"]> {
		return this.#file.corrupt(why, cause);
	}

	[Symbol.dispose](): void {
		this.#file[Symbol.dispose]();
	}
}

function readTable(file: StoredReader): Frame[] {
	const { bytes } = file;
	if (bytes < seekFooterBytes) throw file.corrupt(`it has only ${bytes} bytes`);
	const tableBytes = seekTableBytes(file.read(bytes - seekFooterBytes, seekFooterBytes));
	if (tableBytes === undefined || tableBytes > bytes) {
		throw file.corrupt("its seek table is missing: it was cut off");
	}
	const frames = readSeekTable(file.read(bytes - tableBytes, tableBytes), bytes - tableBytes);
	if (frames === undefined) throw file.corrupt("its seek table does not add up");
	return frames;
}

function decompress(stored: Buffer, contentBytes: number): Promise<Buffer | Error> {
	// Into one piece of memory, with room to see that it ends: joining pieces costs as much as the decompression.
	const chunkSize = Math.min(contentBytes, frameBytes) + 64;
	return new Promise((resolve) => {
		zstdDecompress(stored, { maxOutputLength: contentBytes, chunkSize }, (error, content) => {
			if (error) resolve(error);
			else if (content.length === contentBytes) resolve(content);
			else resolve(new Error(`a frame holds ${content.length} bytes and should hold ${contentBytes}`));
		});
	});
}
