import { OperationError } from "@davit/protocol";
import { readManifest } from "../archives/read-manifest.ts";
import { systemCalls } from "./call-system.ts";
import { hashFile } from "./hash-file.ts";
import type { Opened, Wanted } from "./job.ts";
import { listTree } from "./list-tree.ts";
import { comparePaths, type RawPath, rawOf } from "./raw-path.ts";
import { isNamed, isSameFile, openArtefact } from "./read-content.ts";
import { readEntries } from "./read-entries.ts";
import type { Stretches, TreeEntry } from "./tree-entry.ts";
import { entriesFile } from "./write-content.ts";

/** What a tree is compared with: its entries in the order of a walk. */
export interface Side {
	readonly entries: AsyncIterator<TreeEntry> | Iterator<TreeEntry>;
	readonly totalBytes: number;
	/** Times closer than this are the same. */
	readonly toleranceNs: bigint;
	/** Whether attributes of its entries are known. */
	readonly hasAttributes: boolean;
	/** SHA-256 of one of its files; of a tree's, where it is held against a sparse one, of the same stretches. */
	readonly hashOf: (entry: TreeEntry, sparse?: Stretches) => Promise<string | undefined>;
}

/** What Node can set, which takes times as doubles: trees of earlier restores are that close. */
export const microsecondNs = 1000n;

export async function openWanted(wanted: Wanted, signal: AbortSignal): Promise<Side> {
	if ("tree" in wanted) {
		const tree = rawOf(wanted.tree);
		return {
			entries: listTree(tree, systemCalls()),
			totalBytes: 0,
			hasAttributes: systemCalls() !== undefined,
			toleranceNs: microsecondNs,
			hashOf: ({ path }, sparse) => hashFile({ root: tree, path, sparse }, signal),
		};
	}
	const { dataPath, contentBytes, version, losses } = await readManifest(wanted.archive);
	return {
		entries: await inOrder(wanted, signal),
		totalBytes: contentBytes,
		// The archive API gives whole seconds.
		toleranceNs: dataPath === "archive-api" ? 1_000_000_000n : microsecondNs,
		hasAttributes: version > 1 && !losses.includes("extended attributes"),
		hashOf: async ({ sha256 }) => sha256,
	};
}

/** The archive's entries, checked against its manifest first and brought into the walk's order where they are not in it. */
async function inOrder(
	archive: Opened,
	signal: AbortSignal,
): Promise<AsyncIterator<TreeEntry> | Iterator<TreeEntry>> {
	let [last, isOrdered]: [RawPath | undefined, boolean] = [undefined, true];
	for await (const { path } of archivedEntries(archive, signal)) {
		if (last !== undefined && comparePaths(last, path) >= 0) isOrdered = false;
		last = path;
	}
	if (isOrdered) return archivedEntries(archive, signal);
	const entries: TreeEntry[] = [];
	for await (const entry of archivedEntries(archive, signal)) entries.push(entry);
	return entries.sort((left, right) => comparePaths(left.path, right.path)).values();
}

async function* archivedEntries(opened: Opened, signal: AbortSignal): AsyncGenerator<TreeEntry, void> {
	const manifest = await readManifest(opened.archive);
	using frames = openArtefact(opened, manifest, entriesFile);
	for await (const entry of readEntries(frames)) {
		signal.throwIfAborted();
		if (entry.skipped === undefined) yield entry;
	}
	const expected = manifest.artefacts.find((artefact) => isNamed(artefact, entriesFile));
	if (expected !== undefined && isSameFile(frames.summary, expected)) return;
	throw new OperationError(
		"archive-corrupt",
		`the list of entries in ${opened.archive} does not match its manifest`,
	);
}
