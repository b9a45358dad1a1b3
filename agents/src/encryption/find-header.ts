// Apart from the library: this goes into threads and containers that need no more of it.

/** How one file is encrypted: what its age header says, and the key that only its recipients find in there. Base64 both. */
export interface Seal {
	readonly header: string;
	readonly fileKey: string;
}

/** More than a header to twenty recipients has. */
export const maximumHeaderBytes = 16 * 1024;
const headerEnd = Buffer.from("\n--- ");

/** The textual header at the beginning of an age file; undefined when there is none, or no end of it. */
export function headerIn(bytes: Uint8Array): Buffer | undefined {
	const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
	if (!buffer.subarray(0, 22).equals(Buffer.from("age-encryption.org/v1\n"))) return undefined;
	const last = buffer.indexOf(headerEnd);
	const end = last === -1 ? -1 : buffer.indexOf("\n", last + headerEnd.length);
	return end === -1 ? undefined : buffer.subarray(0, end + 1);
}
