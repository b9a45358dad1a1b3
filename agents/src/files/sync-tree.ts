import { execFile } from "node:child_process";
import { fsyncSync } from "node:fs";
import { dirname } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { promisify } from "node:util";
import { openFile } from "./copy-file.ts";
import { locate, rawOf } from "./raw-path.ts";
import { walkTree } from "./walk-tree.ts";

const run = promisify(execFile);

/**
 * Makes a whole tree durable. One `syncfs` of its file system, which Node cannot call and `sync -f` can, is hundreds of times
 * faster than an fsync for each of many small files; without it, each file and directory has its own.
 */
export async function syncTree(root: string, signal: AbortSignal): Promise<void> {
	try {
		await run("sync", ["-f", "--", root], { signal });
	} catch (error) {
		signal.throwIfAborted();
		if (!(error instanceof Error)) throw error;
		await syncEach(root, signal);
	}
	syncPath(dirname(root));
}

export async function syncEach(root: string, signal: AbortSignal): Promise<void> {
	const raw = rawOf(root);
	for (const found of walkTree(raw)) {
		if (!("stat" in found)) throw new Error(`${root} changed while it was made durable: ${found.path}`);
		if (!found.stat.isFile() && !found.stat.isDirectory()) continue;
		syncPath(locate(raw, found.path));
		await nextTurn();
		signal.throwIfAborted();
	}
}

/** Makes one file or directory durable. */
export function syncPath(path: string | Buffer): void {
	using file = openFile(path);
	if (file.fd === undefined) throw new Error(`${path} cannot be opened to make it durable (${file.code})`);
	fsyncSync(file.fd);
}
