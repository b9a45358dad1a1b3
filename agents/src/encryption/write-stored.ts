import { createHash } from "node:crypto";
import { closeSync, fsyncSync, openSync, writeSync } from "node:fs";
import type { Seal } from "./find-header.ts";
import { ChunkSealer } from "./seal-chunks.ts";

/** A new file, plain or encrypted; `sha256` and `bytes` are of what is on the disk. */
export class StoredWriter implements Disposable {
	readonly #fd: number;
	readonly #stored = createHash("sha256");
	readonly #sealer: ChunkSealer | undefined;
	#bytes = 0;
	#isOpen = true;

	constructor(path: string, seal: Seal | undefined) {
		this.#sealer = seal === undefined ? undefined : new ChunkSealer(seal);
		this.#fd = openSync(path, "wx", 0o600);
	}

	append(bytes: Uint8Array): void {
		if (this.#sealer === undefined) this.#store(bytes);
		else for (const sealed of this.#sealer.seal(bytes)) this.#store(sealed);
	}

	/** Makes the file whole and durable. */
	finish(): { readonly bytes: number; readonly sha256: string } {
		for (const sealed of this.#sealer?.finish() ?? []) this.#store(sealed);
		fsyncSync(this.#fd);
		this[Symbol.dispose]();
		return { bytes: this.#bytes, sha256: this.#stored.digest("hex") };
	}

	[Symbol.dispose](): void {
		if (!this.#isOpen) return;
		this.#isOpen = false;
		closeSync(this.#fd);
	}

	#store(bytes: Uint8Array): void {
		this.#stored.update(bytes);
		for (let at = 0; at < bytes.length; ) at += writeSync(this.#fd, bytes, at);
		this.#bytes += bytes.length;
	}
}
