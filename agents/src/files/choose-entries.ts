import { lstatSync } from "node:fs";
import { OperationError } from "@davit/protocol";
import { systemCalls } from "./call-system.ts";
import type { Choice } from "./job.ts";
import { completeEntry } from "./list-tree.ts";
import type { Picked } from "./pick-entries.ts";
import { comparePaths, isBelow, locate, type RawPath, rawOf, showRaw } from "./raw-path.ts";
import { entryOf, type TreeEntry } from "./tree-entry.ts";

/** An entry of the tree that a choice makes: the archive's, or one of the present tree that stays as it is. */
export type Chosen = Picked | { readonly kept: TreeEntry };

/** What a choice takes from an archive. */
export interface Chooser {
	/** Whether the archive's entry is put in place. */
	readonly takes: (path: RawPath) => boolean;
	/** Whether it is a folder on the way to what is taken, which is made where it is missing. */
	readonly leadsTo: (path: RawPath) => boolean;
	readonly merges: boolean;
	readonly paths: readonly RawPath[];
}

export function openChooser({ paths = [], merge = false }: Choice): Chooser {
	const raw = paths.map(rawOf);
	return {
		takes: (path) => raw.length === 0 || raw.some((one) => one === path || isBelow(path, one)),
		leadsTo: (path) => raw.some((one) => isBelow(one, path)),
		merges: merge,
		paths: raw,
	};
}

export interface Choosing {
	/** In the order of a walk; only what is taken, and the folders that lead to it. */
	readonly archived: AsyncIterable<Picked>;
	/** Also in that order. */
	readonly present: Iterable<TreeEntry>;
	/** The present tree. */
	readonly root: RawPath;
	readonly chooser: Chooser;
}

/**
 * The tree that becomes of the present one when the chosen entries of an archive are put over it, in the order of a walk.
 * @throws OperationError unsupported where it would have to remove what it may not
 */
export async function* chooseEntries(choosing: Choosing): AsyncGenerator<Chosen, void> {
	const { chooser, root } = choosing;
	const relinker = openRelinker(chooser, root);
	for await (const pair of pairs(choosing)) {
		const chosen = choose(pair, chooser);
		if (chosen === undefined) continue;
		if ("kept" in chosen) yield { kept: relinker.relink(chosen.kept) };
		else {
			relinker.replaces(chosen.entry.path);
			yield chosen;
		}
	}
}

interface Pair {
	readonly want: Picked | undefined;
	readonly have: TreeEntry | undefined;
}

async function* pairs({ archived, present }: Choosing): AsyncGenerator<Pair, void> {
	const haves = present[Symbol.iterator]();
	const take = (): TreeEntry | undefined => {
		const next = haves.next();
		return next.done === true ? undefined : next.value;
	};
	let have = take();
	for await (const want of archived) {
		while (have !== undefined && comparePaths(have.path, want.entry.path) < 0) {
			yield { want: undefined, have };
			have = take();
		}
		const isSame = have?.path === want.entry.path;
		yield { want, have: isSame ? have : undefined };
		if (isSame) have = take();
	}
	for (; have !== undefined; have = take()) yield { want: undefined, have };
}

function choose({ want, have }: Pair, { takes, merges }: Chooser): Chosen | undefined {
	if (want === undefined) {
		if (have === undefined || (takes(have.path) && !merges)) return undefined;
		return { kept: have };
	}
	if (takes(want.entry.path)) {
		if (have !== undefined && merges) requireMergeable(want.entry, have);
		return want;
	}
	if (have === undefined) return want;
	requireFolder(have);
	return { kept: have };
}

function requireMergeable(want: TreeEntry, have: TreeEntry): void {
	if (have.type !== "directory" || want.type === "directory") return;
	throw new OperationError(
		"unsupported",
		`${showRaw(want.path)} is a folder now and a ${want.type} in the archive: a merge removes nothing`,
		{ hint: "restore it without --merge, or move the folder away" },
	);
}

/** What leads to a chosen path must be a folder in the present tree, or not be there. */
function requireFolder(have: TreeEntry): void {
	if (have.type === "directory") return;
	throw new OperationError(
		"unsupported",
		`${showRaw(have.path)} is a ${have.type} now, and in the archive the folder that holds what was chosen`,
		{ hint: `restore ${showRaw(have.path)} as a whole` },
	);
}

interface Relinker {
	/** The archive's entry takes this one's place. */
	replaces(path: RawPath): void;
	relink(entry: TreeEntry): TreeEntry;
}

/** A kept hard link whose first name is not kept becomes the first name itself. */
function openRelinker({ takes, merges }: Chooser, root: RawPath): Relinker {
	const replaced = new Set<RawPath>();
	const moved = new Map<RawPath, RawPath>();
	return {
		replaces(path) {
			if (merges) replaced.add(path);
		},
		relink(entry) {
			const { target, path } = entry;
			if (entry.type !== "hardlink" || target === undefined) return entry;
			const isKept = merges ? !replaced.has(target) : !takes(target);
			if (isKept) return entry;
			const first = moved.get(target);
			if (first !== undefined) return { ...entry, target: first };
			moved.set(target, path);
			const itself = entryOf(path, lstatSync(locate(root, path), { bigint: true }));
			return completeEntry(itself, root, systemCalls());
		},
	};
}
