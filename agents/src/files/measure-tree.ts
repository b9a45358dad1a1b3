import { setImmediate as nextTurn } from "node:timers/promises";
import { OperationError } from "@davit/protocol";
import { hasHoles } from "./copy-file.ts";
import { errnoOf, fileFailure, freeBytesAt } from "./file-failure.ts";
import type { FileContext, MeasuredTree } from "./job.ts";
import { rawOf } from "./raw-path.ts";
import { walkTree } from "./walk-tree.ts";

const turnEntries = 2000;

/**
 * How much a tree holds: each inode's content once, without its holes. What vanishes meanwhile is left out. Blocks its thread.
 * @throws OperationError path-not-found | path-not-allowed
 */
export async function measureTree({
	root,
	signal,
}: { root: string } & Pick<FileContext, "signal">): Promise<MeasuredTree> {
	try {
		let [entries, contentBytes] = [0, 0];
		const linked = new Set<string>();
		for (const found of walkTree(rawOf(root))) {
			entries += 1;
			if (entries % turnEntries === 0) await nextTurn();
			signal.throwIfAborted();
			if (!("stat" in found) || !found.stat.isFile()) continue;
			const { nlink, dev, ino, size, blocks } = found.stat;
			if (nlink > 1n && linked.has(`${dev}:${ino}`)) continue;
			if (nlink > 1n) linked.add(`${dev}:${ino}`);
			contentBytes += Number(hasHoles(found.stat) ? blocks * 512n : size);
		}
		return { entries, contentBytes, freeBytes: freeBytesAt(root) };
	} catch (error) {
		if (errnoOf(error) === "ENOENT") {
			throw new OperationError("path-not-found", `${root} cannot be read: it does not exist`, {
				cause: error,
			});
		}
		throw fileFailure(error, { doing: `reading ${root}`, path: root });
	}
}
