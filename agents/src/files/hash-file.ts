import { createHash, type Hash, hash } from "node:crypto";
import { fstatSync, readSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { nameOfErrno, type System, systemCalls } from "./call-system.ts";
import { openFile } from "./copy-file.ts";
import { locate, type RawPath } from "./raw-path.ts";
import type { Stretches } from "./tree-entry.ts";

const partBytes = 1024 * 1024;
const part = Buffer.allocUnsafeSlow(partBytes);

export interface Hashing {
	readonly root: RawPath;
	readonly path: RawPath;
	/** Only these are hashed, and nothing but zeros may lie between them; all of it, where it is not given. */
	readonly sparse?: Stretches | undefined;
}

/**
 * SHA-256 of a file's present content; undefined where it is gone, or holds something in a hole. Lets the event loop turn and the
 * signal be heard between parts.
 */
export async function hashFile(
	{ root, path, sparse }: Hashing,
	signal: AbortSignal,
): Promise<string | undefined> {
	using file = openFile(locate(root, path));
	if (file.fd === undefined) {
		if (file.code === "ENOENT" || file.code === "ELOOP") return undefined;
		throw Object.assign(new Error(`${path} cannot be read`), { code: file.code, path });
	}
	const size = fstatSync(file.fd).size;
	if (sparse !== undefined) return await hashStretches({ fd: file.fd, size }, sparse, signal);
	const bytes = readSync(file.fd, part);
	if (bytes === size && bytes < partBytes) return hash("sha256", part.subarray(0, bytes));
	const running = createHash("sha256").update(part.subarray(0, bytes));
	for await (const more of readParts(file.fd, { start: bytes, end: size }, signal)) running.update(more);
	return running.digest("hex");
}

interface Opened {
	readonly fd: number;
	readonly size: number;
}

async function hashStretches(
	{ fd, size }: Opened,
	sparse: Stretches,
	signal: AbortSignal,
): Promise<string | undefined> {
	const running: Hash = createHash("sha256");
	const system = systemCalls();
	let at = 0;
	for (const [offset, length] of [...sparse, [size, 0] as const]) {
		if (!(await isEmpty({ fd, start: at, end: offset, system }, signal))) return undefined;
		for await (const more of readParts(fd, { start: offset, end: offset + length }, signal)) {
			running.update(more);
		}
		at = offset + length;
	}
	return running.digest("hex");
}

interface Gap {
	readonly fd: number;
	readonly start: number;
	readonly end: number;
	readonly system: System | undefined;
}

/** Whether a part of a file holds nothing but zeros; what is a hole is not read. */
async function isEmpty({ fd, start, end, system }: Gap, signal: AbortSignal): Promise<boolean> {
	let at = start;
	while (at < end) {
		const data = system?.seek(fd, at, "data") ?? at;
		if (data >= end || (data < 0 && nameOfErrno(data) === "ENXIO")) return true;
		if (data < 0) return false;
		const hole = system?.seek(fd, data, "hole") ?? end;
		for await (const more of readParts(fd, { start: data, end: Math.min(hole, end) }, signal)) {
			if (!more.equals(zeros.subarray(0, more.length))) return false;
		}
		at = hole;
	}
	return true;
}

const zeros = Buffer.alloc(partBytes);

interface Range {
	readonly start: number;
	readonly end: number;
}

async function* readParts(
	fd: number,
	{ start, end }: Range,
	signal: AbortSignal,
): AsyncGenerator<Buffer, void> {
	for (let at = start; at < end; ) {
		const bytes = readSync(fd, part, 0, Math.min(partBytes, end - at), at);
		if (bytes === 0) return;
		yield part.subarray(0, bytes);
		at += bytes;
		await nextTurn();
		signal.throwIfAborted();
	}
}
