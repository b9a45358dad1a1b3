import { createHash, type Hash, hash } from "node:crypto";
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import type { OpenFd, System } from "./call-system.ts";
import { errnoOf } from "./file-failure.ts";
import { findStretches } from "./find-holes.ts";
import { locate, type RawPath } from "./raw-path.ts";
import { readAttributes } from "./read-attributes.ts";
import type { TreeEntry } from "./tree-entry.ts";
import type { ContentWriter } from "./write-content.ts";

export interface PackingTo {
	readonly root: RawPath;
	readonly content: ContentWriter;
	readonly system: System | undefined;
}

/**
 * Puts a file into the tar as it was when `stat` was taken, or says what it could not; whether the tar holds it. One that fits into the
 * present frame is done at once: a promise for each small file costs as much as reading it.
 */
export function copyFile(
	entry: TreeEntry,
	stat: BigIntStats,
	packing: PackingTo,
): boolean | Promise<boolean> {
	const { root, content, system } = packing;
	const file = openFile(locate(root, entry.path));
	if (file.fd === undefined) {
		const reason =
			file.code === "ENOENT" ? "vanished before it was read" : `could not be read (${file.code})`;
		content.warn(entry.path, reason);
		content.skip(entry, reason);
		return false;
	}
	const copying = { file, fd: file.fd, stat, content };
	const whole = withAttributes(entry, file.fd, packing);
	if (system !== undefined && hasHoles(stat)) return copySparse(whole, copying, system);
	content.begin(whole);
	return content.space().length > whole.size ? copySmall(whole, copying) : copyLarge(whole, copying);
}

/** With those of `at`, which is where the entry's path leads, or the file there once it is open. */
export function withAttributes(
	entry: TreeEntry,
	at: RawPath | OpenFd,
	{ system, content }: PackingTo,
): TreeEntry {
	if (system === undefined) return entry;
	try {
		const xattrs = readAttributes(system, at);
		return xattrs === undefined ? entry : { ...entry, xattrs };
	} catch (error) {
		const code = errnoOf(error);
		if (code === undefined) throw error;
		content.warn(entry.path, `its attributes could not be read (${code})`);
		return entry;
	}
}

interface Copying {
	/** Closed by whoever copies. */
	readonly file: Disposable;
	readonly fd: number;
	readonly stat: BigIntStats;
	readonly content: ContentWriter;
}

function copySmall(entry: TreeEntry, copying: Copying): true {
	using _file = copying.file;
	const { content, fd } = copying;
	const space = content.space().subarray(0, entry.size);
	let [bytes, trouble]: [number, string | undefined] = [0, undefined];
	while (bytes < space.length && trouble === undefined) {
		const read = readSome(fd, bytes === 0 ? space : space.subarray(bytes), null);
		trouble = troubleOf(read, entry.size - bytes);
		if ("bytes" in read) bytes += read.bytes;
	}
	if (bytes < space.length) space.fill(0, bytes);
	content.advance(space.length);
	return settle({ ...entry, sha256: hash("sha256", space) }, copying, trouble);
}

async function copyLarge(entry: TreeEntry, copying: Copying): Promise<true> {
	using _file = copying.file;
	const digest = createHash("sha256");
	const trouble = await copyPart({ fd: copying.fd, size: entry.size, digest }, copying.content);
	return settle({ ...entry, sha256: digest.digest("hex") }, copying, trouble);
}

/** What is a hole by now reads as zeros. */
async function copySparse(entry: TreeEntry, copying: Copying, system: System): Promise<true> {
	using _file = copying.file;
	const { fd, content } = copying;
	const sparse = findStretches(system, fd, entry.size);
	const found = sparse === undefined ? entry : { ...entry, sparse };
	content.begin(found);
	const digest = createHash("sha256");
	let trouble: string | undefined;
	for (const [position, size] of sparse ?? [[0, entry.size]]) {
		const part = await copyPart({ fd, position, size, digest }, content);
		trouble ??= part;
	}
	return settle({ ...found, sha256: digest.digest("hex") }, copying, trouble);
}

/** Ends the entry, and looks whether its file is still what it was. */
function settle(entry: TreeEntry, { fd, stat, content }: Copying, trouble: string | undefined): true {
	content.end(entry);
	const after = fstatSync(fd, { bigint: true });
	const isSame = after.ino === stat.ino && after.size === stat.size && after.mtimeNs === stat.mtimeNs;
	if (trouble !== undefined) content.warn(entry.path, trouble);
	else if (!isSame || after.ctimeNs !== stat.ctimeNs) content.warn(entry.path, "changed while it was read");
	return true;
}

/** Whether it may have some: less is stored than it holds. */
export function hasHoles({ blocks, size }: Pick<BigIntStats, "blocks" | "size">): boolean {
	return blocks * 512n < size && size > 4096n;
}

/** Made for each file of a tree: a class, since an object with a method of its own costs as much as a call of the system. */
class OpenFile implements Disposable {
	/** Undefined where it could not be opened. */
	readonly fd: number | undefined;
	/** Why not. */
	readonly code: string;

	constructor(fd: number | undefined, code = "") {
		this.fd = fd;
		this.code = code;
	}

	[Symbol.dispose](): void {
		if (this.fd !== undefined) closeSync(this.fd);
	}
}

/** Never through a symlink, and never waits for the other end of a fifo that took the file's place. */
export function openFile(path: string | Buffer): OpenFile {
	const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
	try {
		return new OpenFile(openSync(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
	} catch (error) {
		const code = errnoOf(error);
		if (code === undefined) throw error;
		return new OpenFile(undefined, code);
	}
}

interface Part {
	readonly fd: number;
	/** Where it begins; where the last reading ended, when it is not given. */
	readonly position?: number;
	readonly size: number;
	readonly digest: Hash;
}

/** Exactly `size` bytes go into the tar: zeros where the file is shorter by now, nothing of what it grew by. Says what was wrong with it. */
async function copyPart(
	{ fd, position, size, digest }: Part,
	content: ContentWriter,
): Promise<string | undefined> {
	let trouble: string | undefined;
	for (let left = size; left > 0; ) {
		const space = content.space().subarray(0, left);
		const at = position === undefined ? null : position + size - left;
		const read: Read = trouble === undefined ? readSome(fd, space, at) : { bytes: 0 };
		trouble ??= troubleOf(read, left);
		const part = "bytes" in read && read.bytes > 0 ? space.subarray(0, read.bytes) : space.fill(0);
		digest.update(part);
		left -= part.length;
		content.advance(part.length);
		if (content.isFull) await content.drain();
	}
	return trouble;
}

type Read = { readonly bytes: number } | { readonly code: string };

function troubleOf(read: Read, left: number): string | undefined {
	if ("code" in read) return `could not be read to its end (${read.code}); the rest is zeros`;
	return read.bytes === 0 ? `shrank while it was read; its last ${left} bytes are zeros` : undefined;
}

function readSome(fd: number, into: Buffer, position: number | null): Read {
	try {
		return { bytes: readSync(fd, into, 0, into.length, position) };
	} catch (error) {
		const code = errnoOf(error);
		if (code === undefined) throw error;
		return { code };
	}
}
