import { mkdirSync, readdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { OperationError } from "@davit/protocol";
import { systemCalls } from "./call-system.ts";
import { Losses } from "./count-losses.ts";
import { errnoOf, fileFailure, freeBytesAt } from "./file-failure.ts";
import type { FileContext, UnpackedTree } from "./job.ts";
import { closeDirectories, placeEntry, type Unpacking } from "./place-entry.ts";
import { type RawPath, rawOf, rootPath } from "./raw-path.ts";
import { ContentReader } from "./read-content.ts";
import { refuseDevice } from "./refuse-device.ts";
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
		dropInherited(unpacking);
		for await (const entry of content.entries()) {
			refuseDevice(entry, content.manifest);
			await placeEntry(entry, unpacking);
		}
		closeDirectories(unpacking);
		await syncTree(target, context.signal);
		context.onProgress?.({ bytes: contentBytes, totalBytes: contentBytes });
		return { entries, contentBytes, losses: unpacking.losses.lines };
	} catch (error) {
		throw fileFailure(error, { doing: `unpacking ${archive}`, path: target });
	}
}

export function openUnpacking(target: string, content: Unpacking["content"]): Unpacking {
	const mayOwn = process.getuid?.() === 0;
	const [system, losses] = [systemCalls(), new Losses()];
	if (!mayOwn) losses.add("owners, which only root can set", rootPath);
	return {
		root: rawOf(target),
		target,
		content,
		directories: new Map<RawPath, TreeEntry>(),
		...{ mayOwn, system, losses },
	};
}

export function makeEmpty(target: string): void {
	try {
		mkdirSync(target, 0o700);
	} catch (error) {
		if (errnoOf(error) !== "EEXIST") throw error;
		if (statSync(target).isDirectory() && readdirSync(target).length === 0) return;
		throw new Error(`${target} is not empty, so nothing can be unpacked there`, { cause: error });
	}
}

/** An access control list of the folder above would pass on to everything that is made here. */
export function dropInherited({ root, system }: Unpacking): void {
	for (const name of ["system.posix_acl_default", "system.posix_acl_access"])
		system?.removeAttribute(root, name);
}

export function requireSpace(target: string, needBytes: number): void {
	const freeBytes = freeBytesAt(target);
	if (freeBytes >= needBytes) return;
	throw new OperationError(
		"disk-full",
		`unpacking into ${dirname(target)} needs ${needBytes} bytes, and its disk has ${freeBytes} free`,
	);
}
