import { closeSync, constants, ftruncateSync, openSync, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import type { PartSource } from "./part-source.ts";
import { locate } from "./raw-path.ts";
import { type Setting, setOpenMetadata } from "./set-metadata.ts";
import type { TreeEntry } from "./tree-entry.ts";

export interface Filling extends Setting {
	readonly content: PartSource;
}

/** Makes a file of the present entry's content; its holes stay holes. */
export async function placeFile(entry: TreeEntry, filling: Filling): Promise<void> {
	const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
	const fd = openSync(locate(filling.root, entry.path), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
	try {
		if (entry.sparse === undefined) await fillWhole(fd, filling.content);
		else await fillStretches(fd, entry, filling.content);
		setOpenMetadata(fd, entry, filling);
	} finally {
		closeSync(fd);
	}
}

async function fillWhole(fd: number, content: PartSource): Promise<void> {
	const use = (part: Buffer) => (part.length < slowBytes ? writeAll(fd, part, null) : writeAside(fd, part));
	while (await content.give(use));
}

/** From here on a part is written by another thread, while this one goes on. */
const slowBytes = 256 * 1024;
const writeSome = promisify(write);

async function writeAside(fd: number, bytes: Buffer): Promise<void> {
	for (let at = 0; at < bytes.length; ) {
		const { bytesWritten } = await writeSome(fd, bytes, at, bytes.length - at, null);
		at += bytesWritten;
	}
}

async function fillStretches(
	fd: number,
	{ size, sparse = [] }: TreeEntry,
	content: PartSource,
): Promise<void> {
	let [index, done] = [0, 0];
	const spread = (part: Buffer): undefined => {
		for (let at = 0; at < part.length; ) {
			const [offset, length] = sparse[index] ?? refuseContent("longer");
			const piece = part.subarray(at, at + length - done);
			writeAll(fd, piece, offset + done);
			at += piece.length;
			done += piece.length;
			if (done === length) [index, done] = [index + 1, 0];
		}
	};
	while (await content.give(spread));
	if (index < sparse.length) refuseContent("shorter");
	ftruncateSync(fd, size);
}

function refuseContent(how: "longer" | "shorter"): never {
	throw new TypeError(`a file's content is ${how} than its stretches`);
}

function writeAll(fd: number, bytes: Buffer, position: number | null): undefined {
	for (let at = 0; at < bytes.length; ) {
		at += writeSync(fd, bytes, at, bytes.length - at, position === null ? null : position + at);
	}
}
