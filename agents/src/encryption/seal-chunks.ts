import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto";
import type { Seal } from "./find-header.ts";

// The payload of an age file (age-encryption.org/v1, "Payload"): a nonce, then chunks of 64 KiB, each under ChaCha20-Poly1305 with
// its number as nonce; the last one says that it is.

export const chunkBytes = 64 * 1024;
export const tagBytes = 16;
export const nonceBytes = 16;
const cipherName = "chacha20-poly1305";

/** Makes the bytes of an age file of what it is given, in order. */
export class ChunkSealer {
	readonly #key: Buffer;
	readonly #start: Buffer;
	readonly #chunk = Buffer.allocUnsafeSlow(chunkBytes);
	#used = 0;
	#number = 0;
	#hasStarted = false;

	constructor({ header, fileKey }: Seal) {
		const nonce = randomBytes(nonceBytes);
		this.#key = payloadKey(fileKey, nonce);
		this.#start = Buffer.concat([Buffer.from(header, "base64"), nonce]);
	}

	/** What can be stored now. A chunk waits until it is known whether it is the last. */
	seal(bytes: Uint8Array): Buffer[] {
		const sealed: Buffer[] = this.#hasStarted ? [] : [this.#start];
		this.#hasStarted = true;
		for (let at = 0; at < bytes.length; ) {
			if (this.#used === chunkBytes) sealed.push(...this.#seal(false));
			const part = bytes.subarray(at, at + chunkBytes - this.#used);
			this.#chunk.set(part, this.#used);
			this.#used += part.length;
			at += part.length;
		}
		return sealed;
	}

	finish(): Buffer[] {
		return [...(this.#hasStarted ? [] : [this.#start]), ...this.#seal(true)];
	}

	#seal(isLast: boolean): Buffer[] {
		const cipher = createCipheriv(cipherName, this.#key, chunkNonce(this.#number, isLast), {
			authTagLength: tagBytes,
		});
		const sealed = cipher.update(this.#chunk.subarray(0, this.#used));
		cipher.final();
		this.#number += 1;
		this.#used = 0;
		return [sealed, cipher.getAuthTag()];
	}
}

/** What a chunk holds; undefined when it is not what was stored, or stands in another place. */
export function openChunk(
	key: Buffer,
	sealed: Buffer,
	{ number, isLast }: { readonly number: number; readonly isLast: boolean },
): Buffer | undefined {
	if (sealed.length < tagBytes) return undefined;
	const decipher = createDecipheriv(cipherName, key, chunkNonce(number, isLast), { authTagLength: tagBytes });
	decipher.setAuthTag(sealed.subarray(sealed.length - tagBytes));
	const content = decipher.update(sealed.subarray(0, sealed.length - tagBytes));
	try {
		decipher.final();
	} catch {
		return undefined;
	}
	return content;
}

/** @param fileKey base64 */
export function payloadKey(fileKey: string, nonce: Uint8Array): Buffer {
	return Buffer.from(hkdfSync("sha256", Buffer.from(fileKey, "base64"), nonce, "payload", 32));
}

function chunkNonce(number: number, isLast: boolean): Buffer {
	const nonce = Buffer.alloc(12);
	// Eleven bytes count; six of them are enough for 2^48 chunks.
	nonce.writeUIntBE(number, 5, 6);
	nonce[11] = isLast ? 1 : 0;
	return nonce;
}
