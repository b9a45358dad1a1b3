import { closeSync, constants, ftruncateSync, openSync, writeSync } from "node:fs";
import { locate } from "./raw-path.ts";
import type { ContentReader } from "./read-content.ts";
import { type Setting, setOpenMetadata } from "./set-metadata.ts";
import type { TreeEntry } from "./tree-entry.ts";

export interface Filling extends Setting {
	readonly content: Pick<ContentReader, "content">;
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

async function fillWhole(fd: number, content: Filling["content"]): Promise<void> {
	for (let part = await content.content(); part !== undefined; part = await content.content()) {
		writeAll(fd, part, null);
	}
}

async function fillStretches(
	fd: number,
	{ size, sparse = [] }: TreeEntry,
	content: Filling["content"],
): Promise<void> {
	let part: Buffer | undefined;
	for (const [offset, length] of sparse) {
		for (let done = 0; done < length; ) {
			if (part === undefined || part.length === 0) part = await content.content();
			if (part === undefined) throw new TypeError("a file's stretches are longer than its content");
			const piece = part.subarray(0, length - done);
			writeAll(fd, piece, offset + done);
			done += piece.length;
			part = part.subarray(piece.length);
		}
	}
	// At the end of the content its sum is compared.
	await content.content();
	ftruncateSync(fd, size);
}

function writeAll(fd: number, bytes: Buffer, position: number | null): void {
	for (let at = 0; at < bytes.length; ) {
		at += writeSync(fd, bytes, at, bytes.length - at, position === null ? null : position + at);
	}
}
