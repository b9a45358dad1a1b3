import { createHash } from "node:crypto";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { OperationError } from "@davit/protocol";
import { errnoOf } from "../files/file-failure.ts";
import { headerIn, maximumHeaderBytes } from "./find-header.ts";
import { chunkBytes, nonceBytes, openChunk, payloadKey, tagBytes } from "./seal-chunks.ts";

const sealedChunkBytes = chunkBytes + tagBytes;

/**
 * The bytes that were given to a `StoredWriter`, at any position: of an encrypted file only the chunks are opened that hold them.
 * @throws OperationError archive-corrupt
 */
export class StoredReader implements Disposable {
	/** Of what was stored, without the encryption. */
	readonly bytes: number;
	readonly #path: string;
	readonly #fd: number;
	readonly #fileBytes: number;
	readonly #digest = createHash("sha256");
	readonly #chunks: { readonly key: Buffer; readonly startsAt: number } | undefined;
	/** The chunk that was opened last, since the next read often begins in it. */
	#open: { readonly number: number; readonly content: Buffer } | undefined;
	/** How much of the file went into the digest; only what is read in order does. */
	#digested = 0;

	constructor(path: string, fileKey: string | undefined) {
		this.#path = path;
		this.#fd = this.#openFile();
		try {
			this.#fileBytes = fstatSync(this.#fd).size;
			this.#chunks = fileKey === undefined ? undefined : this.#readStart(fileKey);
			this.bytes = this.#chunks === undefined ? this.#fileBytes : this.#contentBytes(this.#chunks.startsAt);
		} catch (error) {
			closeSync(this.#fd);
			throw error;
		}
	}

	/** Exactly that many bytes. */
	read(position: number, bytes: number): Buffer {
		if (this.#chunks === undefined) return this.#readFile(position, bytes);
		const content = Buffer.allocUnsafeSlow(bytes);
		for (let at = 0; at < bytes; ) {
			const number = Math.floor((position + at) / chunkBytes);
			const chunk = this.#chunk(number);
			const from = position + at - number * chunkBytes;
			const part = chunk.subarray(from, from + bytes - at);
			if (part.length === 0) throw this.corrupt("it ended while it was read");
			content.set(part, at);
			at += part.length;
		}
		return content;
	}

	/** Of the file on the disk, as `sha256sum` and `ls` see it. What was not read in order is read now. */
	summary(): { readonly bytes: number; readonly sha256: string } {
		while (this.#digested < this.#fileBytes) {
			this.#readFile(this.#digested, Math.min(this.#fileBytes - this.#digested, 1024 * 1024));
		}
		return { bytes: this.#fileBytes, sha256: this.#digest.digest("hex") };
	}

	corrupt(why: string, cause?: unknown): OperationError {
		return new OperationError("archive-corrupt", `the archive's ${this.#path} cannot be read: ${why}`, {
			cause,
		});
	}

	[Symbol.dispose](): void {
		closeSync(this.#fd);
	}

	#openFile(): number {
		try {
			return openSync(this.#path, "r");
		} catch (error) {
			if (errnoOf(error) === "ENOENT") throw this.corrupt("it is missing", error);
			throw error;
		}
	}

	#readStart(fileKey: string): { key: Buffer; startsAt: number } {
		const header = headerIn(this.#readFile(0, Math.min(this.#fileBytes, maximumHeaderBytes), false));
		const startsAt = (header?.length ?? 0) + nonceBytes;
		if (header === undefined || startsAt > this.#fileBytes) throw this.corrupt("its age header is cut off");
		const nonce = this.#readFile(0, startsAt).subarray(header.length);
		return { key: payloadKey(fileKey, nonce), startsAt };
	}

	#contentBytes(startsAt: number): number {
		const sealed = this.#fileBytes - startsAt;
		const chunks = Math.ceil(sealed / sealedChunkBytes);
		const last = sealed - (chunks - 1) * sealedChunkBytes;
		if (chunks === 0 || last < tagBytes || (last === tagBytes && chunks > 1))
			throw this.corrupt("it was cut off");
		return sealed - chunks * tagBytes;
	}

	#chunk(number: number): Buffer {
		if (this.#open?.number === number) return this.#open.content;
		const { key, startsAt } = this.#chunks ?? { key: Buffer.alloc(0), startsAt: 0 };
		const position = startsAt + number * sealedChunkBytes;
		const left = this.#fileBytes - position;
		const sealed = this.#readFile(position, Math.min(sealedChunkBytes, Math.max(0, left)));
		const content = openChunk(key, sealed, { number, isLast: left <= sealedChunkBytes });
		if (content === undefined) throw this.corrupt("a part of it is not what was encrypted");
		this.#open = { number, content };
		return content;
	}

	#readFile(position: number, bytes: number, isDigested = true): Buffer {
		const buffer = Buffer.allocUnsafeSlow(bytes);
		for (let at = 0; at < bytes; ) {
			const got = this.#readSome(buffer.subarray(at), position + at);
			if (got === 0) throw this.corrupt("it ended while it was read");
			at += got;
		}
		if (isDigested && position === this.#digested) {
			this.#digest.update(buffer);
			this.#digested += bytes;
		}
		return buffer;
	}

	#readSome(into: Buffer, position: number): number {
		try {
			return readSync(this.#fd, into, 0, into.length, position);
		} catch (error) {
			if (errnoOf(error) === "EIO") throw this.corrupt("the disk cannot read it", error);
			throw error;
		}
	}
}
