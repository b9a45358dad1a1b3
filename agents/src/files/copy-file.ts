import { createHash, type Hash, hash } from "node:crypto";
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { System } from "./call-system.ts";
import { errnoOf } from "./file-failure.ts";
import { findStretches } from "./find-holes.ts";
import { locate, type RawPath } from "./raw-path.ts";
import type { Stretches, TreeEntry } from "./tree-entry.ts";
import type { ContentWriter } from "./write-content.ts";

export interface PackingTo {
	readonly root: RawPath;
	readonly content: ContentWriter;
	readonly system: System | undefined;
}

/** Puts a file into the tar as it was when `stat` was taken, or says what it could not; whether the tar holds it. */
export async function copyFile(
	entry: TreeEntry,
	stat: BigIntStats,
	{ root, content, system }: PackingTo,
): Promise<boolean> {
	using file = openFile(locate(root, entry.path));
	if (file.fd === undefined) {
		const reason =
			file.code === "ENOENT" ? "vanished before it was read" : `could not be read (${file.code})`;
		content.warn(entry.path, reason);
		content.skip(entry, reason);
		return false;
	}
	const sparse =
		system !== undefined && hasHoles(stat) ? findStretches(system, file.fd, entry.size) : undefined;
	const found = sparse === undefined ? entry : { ...entry, sparse };
	content.begin(found);
	const { sha256, trouble } =
		sparse === undefined
			? await copyContent(file.fd, entry.size, content)
			: await copyStretches(file.fd, sparse, content);
	content.end({ ...found, sha256 });
	const after = fstatSync(file.fd, { bigint: true });
	const isSame = after.ino === stat.ino && after.size === stat.size && after.mtimeNs === stat.mtimeNs;
	if (trouble !== undefined) content.warn(entry.path, trouble);
	else if (!isSame || after.ctimeNs !== stat.ctimeNs) content.warn(entry.path, "changed while it was read");
	return true;
}

/** Whether it may have some: less is stored than it holds. */
export function hasHoles({ blocks, size }: Pick<BigIntStats, "blocks" | "size">): boolean {
	return blocks * 512n < size && size > 4096n;
}

interface OpenFile extends Disposable {
	readonly fd: number | undefined;
	readonly code: string;
}

/** Never through a symlink, and never waits for the other end of a fifo that took the file's place. */
export function openFile(path: string | Buffer): OpenFile {
	const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
	try {
		const fd = openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
		return { fd, code: "", [Symbol.dispose]: () => closeSync(fd) };
	} catch (error) {
		const code = errnoOf(error);
		if (code === undefined) throw error;
		return { fd: undefined, code, [Symbol.dispose]: () => undefined };
	}
}

/** Exactly `size` bytes go into the tar: zeros where the file is shorter by now, nothing of what it grew by. */
async function copyContent(fd: number, size: number, content: ContentWriter): Promise<Copied> {
	const start = content.space();
	// A file that fits into the present frame is hashed there at once, which is twice as fast for small ones.
	const digest = start.length > size ? undefined : createHash("sha256");
	const trouble = await copyPart({ fd, size, digest }, content);
	return { sha256: digest?.digest("hex") ?? hash("sha256", start.subarray(0, size)), trouble };
}

interface Copied {
	readonly sha256: string;
	readonly trouble: string | undefined;
}

/** The same of each stretch; what is a hole by now reads as zeros. */
async function copyStretches(fd: number, stretches: Stretches, content: ContentWriter): Promise<Copied> {
	const digest = createHash("sha256");
	let trouble: string | undefined;
	for (const [position, size] of stretches) {
		const found = await copyPart({ fd, position, size, digest }, content);
		trouble ??= found;
	}
	return { sha256: digest.digest("hex"), trouble };
}

interface Part {
	readonly fd: number;
	/** Where it begins; where the last reading ended, when it is not given. */
	readonly position?: number;
	readonly size: number;
	readonly digest: Hash | undefined;
}

/** What was wrong with it. */
async function copyPart(
	{ fd, position, size, digest }: Part,
	content: ContentWriter,
): Promise<string | undefined> {
	let trouble: string | undefined;
	for (let left = size; left > 0; ) {
		const space = content.space().subarray(0, left);
		const at = position === undefined ? null : position + size - left;
		const read: Read = trouble === undefined ? readSome(fd, space, at) : { bytes: 0 };
		if ("code" in read) trouble = `could not be read to its end (${read.code}); the rest is zeros`;
		else if (read.bytes === 0) trouble ??= `shrank while it was read; its last ${left} bytes are zeros`;
		const part = "bytes" in read && read.bytes > 0 ? space.subarray(0, read.bytes) : space.fill(0);
		digest?.update(part);
		left -= part.length;
		content.advance(part.length);
		if (content.isFull) await content.drain();
	}
	return trouble;
}

type Read = { readonly bytes: number } | { readonly code: string };

function readSome(fd: number, into: Buffer, position: number | null): Read {
	try {
		return { bytes: readSync(fd, into, 0, into.length, position) };
	} catch (error) {
		const code = errnoOf(error);
		if (code === undefined) throw error;
		return { code };
	}
}
