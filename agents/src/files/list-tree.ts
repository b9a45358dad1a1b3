import { readlinkSync } from "node:fs";
import type { System } from "./call-system.ts";
import { locate, placeOf, type RawPath } from "./raw-path.ts";
import { readAttributes } from "./read-attributes.ts";
import { entryOf, type TreeEntry } from "./tree-entry.ts";
import { walkTree } from "./walk-tree.ts";

/**
 * What an archive of the tree would hold now, in the order of `comparePaths`, without content. What vanishes meanwhile is not
 * there; throws for what cannot be read, since nothing exact can be said of such a tree. With `system` it has attributes.
 */
export function* listTree(root: RawPath, system?: System): Generator<TreeEntry, void> {
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
		yield completeEntry(entry, root, system);
	}
}

/** With its attributes, where `system` is given, and a symlink's target. */
export function completeEntry(entry: TreeEntry, root: RawPath, system: System | undefined): TreeEntry {
	const xattrs = system === undefined ? undefined : readAttributes(system, placeOf(root, entry.path));
	const whole = xattrs === undefined ? entry : { ...entry, xattrs };
	return entry.type === "symlink" ? { ...whole, target: targetOf(root, entry.path) } : whole;
}

function targetOf(root: RawPath, path: RawPath): RawPath {
	return readlinkSync(locate(root, path), { encoding: "latin1" });
}
