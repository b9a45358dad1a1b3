import { setImmediate as nextTurn } from "node:timers/promises";
import { OperationError } from "@davit/protocol";
import { systemCalls } from "./call-system.ts";
import { errnoOf, fileFailure } from "./file-failure.ts";
import { hashFile } from "./hash-file.ts";
import type { FileContext, Strictness, TreeComparison, Wanted } from "./job.ts";
import { listTree } from "./list-tree.ts";
import type { Listed } from "./listed.ts";
import { microsecondNs, openWanted, type Side } from "./open-wanted.ts";
import { comparePaths, type RawPath, rawOf, rootPath, showRaw } from "./raw-path.ts";
import { isSameAttributes } from "./read-attributes.ts";
import type { TreeEntry } from "./tree-entry.ts";

export interface Comparing extends FileContext, Strictness {
	readonly wanted: Wanted;
	/** The present tree; absent = there is none. */
	readonly root?: string;
}

/**
 * What would change in the tree below `root` if it became what is wanted: by type, owner, mode, time, target, attributes and content. Every file
 * whose size is the same is read and hashed, as equal times prove nothing, unless it is to be told by metadata alone.
 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new | path-not-found | path-not-allowed
 */
export async function compareTree({
	wanted,
	root,
	exact = false,
	withoutAttributes = false,
	byMetadata = false,
	...context
}: Comparing): Promise<TreeComparison> {
	try {
		const side = await openWanted(wanted, context.signal);
		const hasAttributes = side.hasAttributes && !withoutAttributes && systemCalls() !== undefined;
		// What was just unpacked has the very times, but for the archive API's.
		const isSharp = exact && systemCalls() !== undefined && side.toleranceNs === microsecondNs;
		const toleranceNs = isSharp ? 1n : side.toleranceNs;
		const present = root === undefined ? undefined : rawOf(root);
		const comparing = {
			...side,
			hasAttributes,
			toleranceNs,
			root: present,
			isExact: exact,
			byMetadata,
			context,
		};
		return await merge(comparing, new Tally());
	} catch (error) {
		if (errnoOf(error) === "ENOENT") {
			throw new OperationError("path-not-found", `${root} cannot be compared: it does not exist`, {
				cause: error,
			});
		}
		throw fileFailure(error, { doing: "comparing", path: root ?? "an archive" });
	}
}

export function isSameTree({ replaces, adds, removes }: TreeComparison): boolean {
	return replaces + adds + removes === 0;
}

interface Merging extends Side {
	readonly root: RawPath | undefined;
	readonly isExact: boolean;
	readonly byMetadata: boolean;
	readonly context: FileContext;
}

async function merge(merging: Merging, tally: Tally): Promise<TreeComparison> {
	const system = merging.hasAttributes ? systemCalls() : undefined;
	const present = merging.root === undefined ? [].values() : listTree(merging.root, system);
	let [want, have] = [await nextOf(merging.entries), await nextOf(present)];
	let [bytes, steps] = [0, 0];
	while (want !== undefined || have !== undefined) {
		const order = orderOf(want, have);
		await judge({ want: order <= 0 ? want : undefined, have: order >= 0 ? have : undefined }, merging, tally);
		if (order <= 0) bytes += want?.size ?? 0;
		if (order <= 0) want = await nextOf(merging.entries);
		if (order >= 0) have = await nextOf(present);
		steps += 1;
		if (steps % turnSteps !== 0) continue;
		await nextTurn();
		merging.context.signal.throwIfAborted();
		merging.context.onProgress?.({ bytes, totalBytes: Math.max(bytes, merging.totalBytes) });
	}
	return { ...tally.comparison, wantedBytes: bytes };
}

const turnSteps = 1000;

interface Pair {
	readonly want: Listed | undefined;
	readonly have: TreeEntry | undefined;
}

/** Counts one path: what is wanted there against what is there. */
async function judge({ want, have }: Pair, merging: Merging, tally: Tally): Promise<void> {
	if (have === undefined) {
		if (want !== undefined) tally.adds.add(want.path);
		return;
	}
	if (want === undefined) return tally.removes.add(have.path);
	if (await isSameEntry(want, have, merging)) tally.sameEntries += 1;
	else tally.replaces.add(want.path);
}

export async function nextOf<Entry extends TreeEntry>(
	entries: AsyncIterator<Entry> | Iterator<Entry>,
): Promise<Entry | undefined> {
	const next = await entries.next();
	return next.done === true ? undefined : next.value;
}

export function orderOf(want: TreeEntry | undefined, have: TreeEntry | undefined): number {
	if (want === undefined) return 1;
	return have === undefined ? -1 : comparePaths(want.path, have.path);
}

async function isSameEntry(want: Listed, have: TreeEntry, merging: Merging): Promise<boolean> {
	if (want.isKept === true && !merging.isExact) return true;
	if (!hasSameMetadata(want, have, merging)) return false;
	if (want.type !== "file" || want.isKept === true || merging.byMetadata) return true;
	const [wanted, present] = [
		await merging.hashOf(want),
		await hashFile(
			{ root: merging.root ?? rootPath, path: have.path, sparse: want.sparse },
			merging.context.signal,
		),
	];
	return wanted !== undefined && wanted === present;
}

export function hasSameMetadata(
	want: TreeEntry,
	have: TreeEntry,
	{ isExact, toleranceNs, hasAttributes }: Pick<Merging, "isExact" | "toleranceNs" | "hasAttributes">,
): boolean {
	const apartNs = want.mtimeNs - have.mtimeNs;
	const isSameTime = apartNs < toleranceNs && apartNs > -toleranceNs;
	return (
		want.type === have.type &&
		// A symlink has no mode of its own on Linux.
		(want.type === "symlink" || want.mode === have.mode) &&
		want.uid === have.uid &&
		want.gid === have.gid &&
		want.size === have.size &&
		(isSameTime || (want.type === "directory" && !isExact)) &&
		want.target === have.target &&
		want.device?.[0] === have.device?.[0] &&
		want.device?.[1] === have.device?.[1] &&
		(!hasAttributes || isSameAttributes(want.xattrs, have.xattrs))
	);
}

const maximumExamples = 20;

class Names {
	count = 0;
	readonly examples: string[] = [];

	add(path: RawPath): void {
		this.count += 1;
		if (this.examples.length < maximumExamples) this.examples.push(showRaw(path));
	}
}

class Tally {
	readonly replaces = new Names();
	readonly adds = new Names();
	readonly removes = new Names();
	sameEntries = 0;

	get comparison(): Omit<TreeComparison, "wantedBytes"> {
		const { replaces, adds, removes, sameEntries } = this;
		return {
			replaces: replaces.count,
			adds: adds.count,
			removes: removes.count,
			sameEntries,
			examples: { replaces: replaces.examples, adds: adds.examples, removes: removes.examples },
		};
	}
}
