import { createHash } from "node:crypto";
import { zstdDecompress } from "node:zlib";
import { StoredReader } from "../encryption/read-stored.ts";
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
	readonly #fileKey: string | undefined;
	readonly #content = createHash("sha256");
	#file: StoredReader | undefined;
	#summary: WrittenFrames | undefined;

	/** @param fileKey of an encrypted file, in base64 */
	constructor(path: string, fileKey?: string) {
		this.#path = path;
		this.#fileKey = fileKey;
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
		const file = new StoredReader(this.#path, this.#fileKey);
		this.#file = file;
		const frames = readTable(file);
		const pending: Promise<Buffer | Error>[] = [];
		let [position, contentBytes] = [0, 0];
		for (let next = 0; next < frames.length || pending.length > 0; ) {
			const frame = frames[next];
			if (frame !== undefined && pending.length < inFlight) {
				pending.push(decompress(file.read(position, frame.storedBytes), frame));
				position += frame.storedBytes;
				next += 1;
				continue;
			}
			const content = await pending.shift();
			if (!Buffer.isBuffer(content)) throw file.corrupt("a frame cannot be decoded", content);
			this.#content.update(content);
			contentBytes += content.length;
			yield content;
		}
		this.#summary = {
			...file.summary(),
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
		this.#file?.[Symbol.dispose]();
		this.#file = undefined;
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
