import { mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { OperationError } from "@davit/protocol";
import { errnoOf, fileFailure, freeBytesAt } from "./file-failure.ts";
import type { FileContext, UnpackedTree } from "./job.ts";
import { closeDirectories, placeEntry, type Unpacking } from "./place-entry.ts";
import { type RawPath, rawOf } from "./raw-path.ts";
import { ContentReader } from "./read-content.ts";
import { syncTree } from "./sync-tree.ts";
import type { TreeEntry } from "./tree-entry.ts";

/**
 * Unpacks an archive into `target`, which must be empty or missing, proves every byte on the way and makes the tree durable. After a
 * failure what was unpacked stays, for the caller to remove. Blocks its thread.
 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new | disk-full | path-not-allowed
 */
export async function unpackTree({
	archive,
	target,
	...context
}: { archive: string; target: string } & FileContext): Promise<UnpackedTree> {
	try {
		using content = await ContentReader.open(archive, context);
		const { contentBytes, entries } = content.manifest;
		makeEmpty(target);
		requireSpace(target, contentBytes);
		const unpacking = openUnpacking(target, content);
		for await (const entry of content.entries()) await placeEntry(entry, unpacking);
		closeDirectories(unpacking);
		await syncTree(target, context.signal);
		context.onProgress?.({ bytes: contentBytes, totalBytes: contentBytes });
		return { entries, contentBytes, losses: unpacking.losses };
	} catch (error) {
		throw fileFailure(error, { doing: `unpacking ${archive}`, path: target });
	}
}

function openUnpacking(target: string, content: ContentReader): Unpacking {
	const mayOwn = process.getuid?.() === 0;
	return {
		root: rawOf(target),
		target,
		content,
		directories: new Map<RawPath, TreeEntry>(),
		mayOwn,
		losses: mayOwn ? [] : ["owners, which only root can set"],
	};
}

function makeEmpty(target: string): void {
	try {
		mkdirSync(target, 0o700);
	} catch (error) {
		if (errnoOf(error) !== "EEXIST") throw error;
		if (statSync(target).isDirectory() && readdirSync(target).length === 0) return;
		throw new Error(`${target} is not empty, so nothing can be unpacked there`, { cause: error });
	}
}

function requireSpace(target: string, needBytes: number): void {
	const freeBytes = freeBytesAt(target);
	if (freeBytes >= needBytes) return;
	throw new OperationError(
		"disk-full",
		`unpacking into ${dirname(target)} needs ${needBytes} bytes, and its disk has ${freeBytes} free`,
	);
}
