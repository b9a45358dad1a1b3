import { readlinkSync, realpathSync } from "node:fs";
import { sep } from "node:path";
import { OperationError } from "@davit/protocol";
import { systemCalls } from "./call-system.ts";
import { copyFile, hasHoles, type PackingTo, withAttributes } from "./copy-file.ts";
import { errnoOf, fileFailure } from "./file-failure.ts";
import type { FileContext, PackedTree, Packing } from "./job.ts";
import { unseenAttributes } from "./list-losses.ts";
import { measureTree } from "./measure-tree.ts";
import { locate, placeOf, type RawPath, rawOf } from "./raw-path.ts";
import { entryOf, type TreeEntry } from "./tree-entry.ts";
import { type Found, walkTree } from "./walk-tree.ts";
import { ContentWriter } from "./write-content.ts";

/**
 * Writes the tree below `root` into `directory` as `content.tar.zst` and `entries.jsonl.zst`, durably. What changes, vanishes or
 * cannot be read meanwhile is warned of and makes the outcome `partial`; the tar is whole in any case. Blocks its thread.
 * @throws OperationError path-not-found | path-not-allowed | disk-full
 */
export async function packTree({
	root,
	directory,
	expectedBytes,
	...context
}: Packing & FileContext): Promise<PackedTree> {
	refuseInside(root, directory);
	const { signal } = context;
	const totalBytes = expectedBytes ?? (await measureTree({ root, signal })).contentBytes;
	try {
		using content = new ContentWriter(directory, { ...context, totalBytes });
		const system = systemCalls();
		const packing = { root: rawOf(root), content, system, firstLinks: new Map(), lostHoles: false };
		for (const found of walkTree(packing.root)) {
			const doing = packFound(found, packing);
			if (doing !== undefined) await doing;
			if (content.isFull) await content.drain();
		}
		const losses = [...unseenAttributes()];
		return await content.finish({
			fidelity: system === undefined ? "reduced" : "full",
			losses: packing.lostHoles ? [...losses, "holes of sparse files, stored as zeros"] : losses,
		});
	} catch (error) {
		throw fileFailure(error, {
			doing: `writing the archive of ${root}`,
			path: directory,
			needBytes: totalBytes,
		});
	}
}

interface Walking extends PackingTo {
	/** The first path of each inode that has more than one. */
	readonly firstLinks: Map<string, RawPath>;
	/** Something had holes, and there was no call to find them. */
	lostHoles: boolean;
}

/** Undefined where nothing is left to wait for, as with each small file. */
function packFound(found: Found, packing: Walking): Promise<void> | undefined {
	const { content, firstLinks } = packing;
	if ("trouble" in found) {
		content.warn(found.path, found.trouble);
		return undefined;
	}
	const { stat, path } = found;
	const entry = entryOf(path, stat);
	if (entry.type === "socket") {
		content.skip(entry, "a socket lives only with its program");
		return undefined;
	}
	const inode = stat.nlink > 1n && entry.type !== "directory" ? `${stat.dev}:${stat.ino}` : undefined;
	const target = inode === undefined ? undefined : firstLinks.get(inode);
	if (target !== undefined) {
		content.add({ ...entry, type: "hardlink", size: 0, target });
		return undefined;
	}
	if (packing.system === undefined && entry.type === "file" && hasHoles(stat)) packing.lostHoles = true;
	const isIn = entry.type === "file" ? copyFile(entry, stat, packing) : packPlain(entry, packing);
	const keepLink = (isPacked: boolean) => {
		if (isPacked && inode !== undefined) firstLinks.set(inode, path);
	};
	if (typeof isIn !== "boolean") return isIn.then(keepLink);
	keepLink(isIn);
	return undefined;
}

/** An entry without content; whether the tar holds it. */
function packPlain(plain: TreeEntry, packing: Walking): boolean {
	const { root, content } = packing;
	const entry = withAttributes(plain, placeOf(root, plain.path), packing);
	const whole = entry.type === "symlink" ? readTarget(entry, root) : entry;
	if (whole !== undefined) {
		content.add(whole);
		return true;
	}
	content.warn(entry.path, "changed its type or vanished while it was read");
	content.skip(entry, "it changed its type or vanished while it was read");
	return false;
}

function readTarget(entry: TreeEntry, root: RawPath): TreeEntry | undefined {
	try {
		return { ...entry, target: readlinkSync(locate(root, entry.path), { encoding: "latin1" }) };
	} catch (error) {
		if (errnoOf(error) === undefined) throw error;
		return undefined;
	}
}

/** An archive in the folder that it is of would hold itself, and grow with each backup. */
function refuseInside(root: string, directory: string): void {
	const inner = `${realpathSync(directory)}${sep}`;
	if (!inner.startsWith(`${realpathOf(root)}${sep}`)) return;
	throw new OperationError(
		"path-not-allowed",
		`${root} cannot be backed up into ${directory}, which lies in it`,
		{
			hint: "keep the archives outside of the folders that are backed up",
		},
	);
}

function realpathOf(root: string): string {
	try {
		return realpathSync(root);
	} catch (error) {
		if (errnoOf(error) !== "ENOENT") throw fileFailure(error, { doing: `reading ${root}`, path: root });
		throw new OperationError("path-not-found", `${root} cannot be backed up: it does not exist`, {
			cause: error,
		});
	}
}
