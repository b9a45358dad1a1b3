import { createHash, type Hash } from "node:crypto";
import { FrameFile } from "./frame-file.ts";
import { releaseMemory } from "./release-memory.ts";
import type { WrittenFrames } from "./write-frames.ts";

const inFlight = 2;

export interface Reading {
	/** For an artefact that names the sum of its content. */
	readonly hashesContent?: boolean;
}

/**
 * The content of a file of zstd frames, in order; each is good until the next is asked for. `summary` holds what was read, once all of it was.
 * @throws OperationError archive-corrupt
 */
export class FrameReader implements Disposable {
	readonly #path: string;
	readonly #fileKey: string | undefined;
	readonly #content: Hash | undefined;
	#file: FrameFile | undefined;
	#summary: WrittenFrames | undefined;

	/** @param fileKey of an encrypted file, in base64 */
	constructor(path: string, fileKey?: string, { hashesContent = false }: Reading = {}) {
		this.#path = path;
		this.#fileKey = fileKey;
		this.#content = hashesContent ? createHash("sha256") : undefined;
	}

	async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void> {
		const file = new FrameFile(this.#path, this.#fileKey);
		this.#file = file;
		const { frames } = file;
		const pending: { readonly stored: Buffer; readonly decoded: Promise<Buffer | Error> }[] = [];
		let contentBytes = 0;
		for (let next = 0; next < frames.length || pending.length > 0; ) {
			if (next < frames.length && pending.length < inFlight) {
				const stored = file.stored(next);
				pending.push({ stored, decoded: file.decode(stored, next) });
				next += 1;
				continue;
			}
			const first = pending.shift();
			const content = await first?.decoded;
			if (!Buffer.isBuffer(content)) throw file.corrupt("a frame cannot be decoded", content);
			if (first !== undefined) releaseMemory(first.stored);
			this.#content?.update(content);
			contentBytes += content.length;
			yield content;
			releaseMemory(content);
		}
		this.#summary = {
			...file.summary(),
			contentBytes,
			...(this.#content === undefined ? {} : { contentSha256: this.#content.digest("hex") }),
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
