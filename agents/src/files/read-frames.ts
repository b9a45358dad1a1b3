import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { zstdDecompress } from "node:zlib";
import { OperationError } from "@davit/protocol";
import { errnoOf } from "./file-failure.ts";
import { type Frame, readSeekTable, seekFooterBytes, seekTableBytes } from "./seek-table.ts";
import { frameBytes, type WrittenFrames } from "./write-frames.ts";

const inFlight = 3;

/**
 * The content of a file of zstd frames, in order. Node's decoder stops after the first frame, so each is cut out by the seek table and
 * decoded alone, on libuv's pool. `summary` holds what was read, once all of it was.
 * @throws OperationError archive-corrupt
 */
export class FrameReader implements Disposable {
	readonly #path: string;
	#fd: number | undefined;
	readonly #stored = createHash("sha256");
	readonly #content = createHash("sha256");
	#summary: WrittenFrames | undefined;

	constructor(path: string) {
		this.#path = path;
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
		const fd = this.#open();
		this.#fd = fd;
		const { frames, table } = this.#readTable(fd);
		const pending: Promise<Buffer | Error>[] = [];
		let [position, contentBytes] = [0, 0];
		for (let next = 0; next < frames.length || pending.length > 0; ) {
			const frame = frames[next];
			if (frame !== undefined && pending.length < inFlight) {
				pending.push(decompress(this.#readStored(fd, position, frame), frame));
				position += frame.storedBytes;
				next += 1;
				continue;
			}
			const content = await pending.shift();
			if (!Buffer.isBuffer(content)) throw this.#corrupt("a frame cannot be decoded", content);
			this.#content.update(content);
			contentBytes += content.length;
			yield content;
		}
		this.#stored.update(table);
		this.#summary = {
			bytes: position + table.length,
			sha256: this.#stored.digest("hex"),
			contentBytes,
			contentSha256: this.#content.digest("hex"),
			frames: frames.length,
		};
	}

	get summary(): WrittenFrames {
		if (this.#summary === undefined) throw new Error(`${this.#path} was not read to its end`);
		return this.#summary;
	}

	[Symbol.dispose](): void {
		if (this.#fd === undefined) return;
		closeSync(this.#fd);
		this.#fd = undefined;
	}

	#open(): number {
		try {
			return openSync(this.#path, "r");
		} catch (error) {
			if (errnoOf(error) === "ENOENT") throw this.#corrupt("it is missing", error);
			throw error;
		}
	}

	#readTable(fd: number): { frames: Frame[]; table: Buffer } {
		const bytes = fstatSync(fd).size;
		if (bytes < seekFooterBytes) throw this.#corrupt(`it has only ${bytes} bytes`);
		const tableBytes = seekTableBytes(this.#read(fd, bytes - seekFooterBytes, seekFooterBytes));
		if (tableBytes === undefined || tableBytes > bytes)
			throw this.#corrupt("its seek table is missing: it was cut off");
		const table = this.#read(fd, bytes - tableBytes, tableBytes);
		const frames = readSeekTable(table, bytes - tableBytes);
		if (frames === undefined) throw this.#corrupt("its seek table does not add up");
		return { frames, table };
	}

	#readStored(fd: number, position: number, frame: Frame): Buffer {
		const stored = this.#read(fd, position, frame.storedBytes);
		this.#stored.update(stored);
		return stored;
	}

	#read(fd: number, position: number, bytes: number): Buffer {
		const buffer = Buffer.allocUnsafeSlow(bytes);
		for (let at = 0; at < bytes; ) {
			const got = this.#readSome(fd, buffer.subarray(at), position + at);
			if (got === 0) throw this.#corrupt("it ended while it was read");
			at += got;
		}
		return buffer;
	}

	#readSome(fd: number, into: Buffer, position: number): number {
		try {
			return readSync(fd, into, 0, into.length, position);
		} catch (error) {
			if (errnoOf(error) === "EIO") throw this.#corrupt("the disk cannot read it", error);
			throw error;
		}
	}

	#corrupt(why: string, cause?: unknown): OperationError {
		return new OperationError("archive-corrupt", `the archive's ${this.#path} cannot be read: ${why}`, {
			cause,
		});
	}
}

/** Never rejects, so that one frame's failure waits for its turn. */
function decompress(stored: Buffer, { contentBytes }: Frame): Promise<Buffer | Error> {
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
