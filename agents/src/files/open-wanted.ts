import { readManifest } from "../archives/read-manifest.ts";
import { archivedEntries } from "./archived-entries.ts";
import { systemCalls } from "./call-system.ts";
import { chooseEntries, openChooser } from "./choose-entries.ts";
import { listedEntries } from "./copied-list.ts";
import { hashFile } from "./hash-file.ts";
import type { ChosenWanted, Opened, Wanted } from "./job.ts";
import { listTree } from "./list-tree.ts";
import type { Listed } from "./listed.ts";
import { pickEntries } from "./pick-entries.ts";
import { comparePaths, type RawPath, rawOf } from "./raw-path.ts";
import type { Stretches, TreeEntry } from "./tree-entry.ts";

/** What a tree is compared with: its entries in the order of a walk. */
export interface Side {
	readonly entries: AsyncIterator<Listed> | Iterator<Listed>;
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
	if ("listed" in wanted) {
		return {
			entries: listedEntries(wanted.listed),
			totalBytes: 0,
			hasAttributes: systemCalls() !== undefined,
			toleranceNs: microsecondNs,
			hashOf: async ({ sha256 }) => sha256,
		};
	}
	const { dataPath, contentBytes, version, losses } = await readManifest(wanted.archive);
	return {
		entries: "choice" in wanted ? chosenEntries(wanted, signal) : await inOrder(wanted, signal),
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

/** What is chosen of an archive and put over a tree. Until the archive's list has ended nothing of it is proven. */
async function* chosenEntries(wanted: ChosenWanted, signal: AbortSignal): AsyncGenerator<Listed, void> {
	const chooser = openChooser(wanted.choice);
	const root = rawOf(wanted.over ?? "/");
	const archived = pickEntries(wanted, chooser, signal);
	const present = wanted.over === undefined ? [] : listTree(root, systemCalls());
	for await (const chosen of chooseEntries({ archived, present, root, chooser })) {
		yield "kept" in chosen ? { ...chosen.kept, isKept: true } : chosen.entry;
	}
}
