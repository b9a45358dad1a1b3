import { createHash, type Hash, hash } from "node:crypto";
import { fstatSync, readlinkSync, readSync } from "node:fs";
import { setImmediate as nextTurn } from "node:timers/promises";
import { openFile } from "./copy-file.ts";
import { locate, type RawPath } from "./raw-path.ts";
import { entryOf, type TreeEntry } from "./tree-entry.ts";
import { walkTree } from "./walk-tree.ts";

/**
 * What an archive of the tree would hold now, in the order of `comparePaths`, without content. What vanishes meanwhile is not
 * there; throws for what cannot be read, since nothing exact can be said of such a tree.
 */
export function* listTree(root: RawPath): Generator<TreeEntry, void> {
	const firstLinks = new Map<string, RawPath>();
	for (const found of walkTree(root)) {
		if ("trouble" in found) {
			if (found.code === "ENOENT") continue;
			throw Object.assign(new Error(`${found.path} ${found.trouble}`), {
				code: found.code,
				path: found.path,
			});
		}
		const entry = entryOf(found.path, found.stat);
		const inode =
			found.stat.nlink > 1n && entry.type !== "directory" ? `${found.stat.dev}:${found.stat.ino}` : undefined;
		const target = inode === undefined ? undefined : firstLinks.get(inode);
		if (target !== undefined) {
			yield { ...entry, type: "hardlink", size: 0, target };
			continue;
		}
		if (inode !== undefined) firstLinks.set(inode, found.path);
		yield entry.type === "symlink" ? { ...entry, target: targetOf(root, found.path) } : entry;
	}
}

const partBytes = 1024 * 1024;
const part = Buffer.allocUnsafeSlow(partBytes);

/** SHA-256 of a file's present content; lets the event loop turn and the signal be heard between parts. */
export async function hashFile(
	root: RawPath,
	path: RawPath,
	signal: AbortSignal,
): Promise<string | undefined> {
	using file = openFile(locate(root, path));
	if (file.fd === undefined) {
		if (file.code === "ENOENT" || file.code === "ELOOP") return undefined;
		throw Object.assign(new Error(`${path} cannot be read`), { code: file.code, path });
	}
	const size = fstatSync(file.fd).size;
	let [running, bytes]: [Hash | undefined, number] = [undefined, readSync(file.fd, part)];
	if (bytes === size && bytes < partBytes) return hash("sha256", part.subarray(0, bytes));
	running = createHash("sha256");
	while (bytes > 0) {
		running.update(part.subarray(0, bytes));
		await nextTurn();
		signal.throwIfAborted();
		bytes = readSync(file.fd, part);
	}
	return running.digest("hex");
}

/** Where a symlink points. */
export function targetOf(root: RawPath, path: RawPath): RawPath {
	return readlinkSync(locate(root, path), { encoding: "latin1" });
}
