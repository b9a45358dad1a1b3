import { type BigIntStats, lstatSync, readdirSync } from "node:fs";
import { errnoOf } from "./file-failure.ts";
import { joinRaw, locate, type RawPath, rootPath } from "./raw-path.ts";

export type Found =
	| { readonly path: RawPath; readonly stat: BigIntStats }
	/** It could not be looked at, or vanished, and what is below it is not known. */
	| { readonly path: RawPath; readonly trouble: string; readonly code: string };

/**
 * Everything in a tree, the root first, in the order of `comparePaths`. Synchronous, for worker threads: one call per entry,
 * several times faster than promises. Symlinks are not followed. Throws when the root itself cannot be read.
 */
export function* walkTree(root: RawPath): Generator<Found, void> {
	const stat = lstatSync(locate(root, rootPath), { bigint: true });
	yield { path: rootPath, stat };
	// The root must be readable: an empty answer here would look like an emptied tree.
	const pending = [{ directory: rootPath, names: namesIn(root, rootPath), at: 0 }];
	for (let level = pending.at(-1); level !== undefined; level = pending.at(-1)) {
		const name = level.names[level.at];
		if (name === undefined) {
			pending.pop();
			continue;
		}
		level.at += 1;
		const path = joinRaw(level.directory, name);
		const found = lookAt(root, path);
		yield found;
		if (!("stat" in found) || !found.stat.isDirectory()) continue;
		try {
			pending.push({ directory: path, names: namesIn(root, path), at: 0 });
		} catch (error) {
			const code = codeOf(error);
			yield { path, trouble: `its content could not be listed (${code})`, code };
		}
	}
}

function lookAt(root: RawPath, path: RawPath): Found {
	try {
		return { path, stat: lstatSync(locate(root, path), { bigint: true }) };
	} catch (error) {
		const code = codeOf(error);
		const trouble = code === "ENOENT" ? "vanished while it was read" : `could not be read (${code})`;
		return { path, trouble, code };
	}
}

function namesIn(root: RawPath, directory: RawPath): string[] {
	// Strings of one byte a character: exact for every name, and `sort` orders them by their bytes.
	return readdirSync(locate(root, directory), { encoding: "latin1" }).sort();
}

/** Only what the system answered is trouble with the tree; anything else is a defect and goes on up. */
function codeOf(error: unknown): string {
	const code = errnoOf(error);
	if (code === undefined) throw error;
	return code;
}
