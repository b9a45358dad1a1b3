import { setImmediate as nextTurn } from "node:timers/promises";
import { hasSameMetadata, nextOf, orderOf } from "./compare-tree.ts";
import { fileFailure } from "./file-failure.ts";
import type { FileContext, TreeDifferences, Wanted } from "./job.ts";
import { openWanted, type Side } from "./open-wanted.ts";
import { showRaw } from "./raw-path.ts";
import type { TreeEntry } from "./tree-entry.ts";

export interface Differing extends FileContext {
	readonly before: Wanted;
	readonly after: Wanted;
	/** The first difference that is wanted, counted from 0. */
	readonly from: number;
	readonly count: number;
}

const turnSteps = 1000;

/**
 * What differs between two trees, with a page of the differences in the order of a walk. Files of one size are told apart by their
 * content's digests; a folder's time does not count.
 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new | path-not-allowed
 */
export async function diffTrees({
	before,
	after,
	from,
	count,
	...context
}: Differing): Promise<TreeDifferences> {
	try {
		const sides = {
			before: await openWanted(before, context.signal),
			after: await openWanted(after, context.signal),
		};
		return await walkBoth(sides, { from, count, context });
	} catch (error) {
		throw fileFailure(error, { doing: "comparing", path: placeIn(after) });
	}
}

function placeIn(wanted: Wanted): string {
	if ("tree" in wanted) return wanted.tree;
	return "listed" in wanted ? wanted.listed : wanted.archive;
}

interface Sides {
	readonly before: Side;
	readonly after: Side;
}

interface Wish {
	readonly from: number;
	readonly count: number;
	readonly context: FileContext;
}

type Kind = TreeDifferences["differences"][number]["kind"];

async function walkBoth(sides: Sides, { from, count, context }: Wish): Promise<TreeDifferences> {
	const counts = { added: 0, removed: 0, changed: 0, metadata: 0, same: 0 };
	const differences: TreeDifferences["differences"][number][] = [];
	const totalBytes = Math.max(sides.before.totalBytes, sides.after.totalBytes);
	let [seen, bytes, steps] = [0, 0, 0];
	for await (const { old, now } of pairs(sides)) {
		const kind = await kindOf({ old, now }, sides);
		const entry = now ?? old;
		counts[kind] += 1;
		bytes += entry?.size ?? 0;
		if (kind !== "same" && entry !== undefined) {
			if (seen >= from && differences.length < count) {
				differences.push({ path: showRaw(entry.path), kind, type: entry.type });
			}
			seen += 1;
		}
		steps += 1;
		if (steps % turnSteps !== 0) continue;
		await nextTurn();
		context.signal.throwIfAborted();
		context.onProgress?.({ bytes, totalBytes: Math.max(bytes, totalBytes) });
	}
	return { counts, differences };
}

/** What the two trees hold at each path, in the order of a walk. */
async function* pairs({ before, after }: Sides): AsyncGenerator<Pair, void> {
	let [old, now] = [await nextOf(before.entries), await nextOf(after.entries)];
	while (old !== undefined || now !== undefined) {
		const order = orderOf(old, now);
		yield { old: order <= 0 ? old : undefined, now: order >= 0 ? now : undefined };
		if (order <= 0) old = await nextOf(before.entries);
		if (order >= 0) now = await nextOf(after.entries);
	}
}

interface Pair {
	readonly old: TreeEntry | undefined;
	readonly now: TreeEntry | undefined;
}

async function kindOf({ old, now }: Pair, { before, after }: Sides): Promise<Kind | "same"> {
	if (old === undefined) return "added";
	if (now === undefined) return "removed";
	if (!(await hasSameContent(old, now, { before, after }))) return "changed";
	const coarser = before.toleranceNs > after.toleranceNs ? before : after;
	const hasAttributes = before.hasAttributes && after.hasAttributes;
	const strictness = { isExact: false, toleranceNs: coarser.toleranceNs, hasAttributes };
	return hasSameMetadata(old, now, strictness) ? "same" : "metadata";
}

async function hasSameContent(old: TreeEntry, now: TreeEntry, { before, after }: Sides): Promise<boolean> {
	if (old.type !== now.type || old.size !== now.size || old.target !== now.target) return false;
	if (old.device?.[0] !== now.device?.[0] || old.device?.[1] !== now.device?.[1]) return false;
	if (old.type !== "file") return true;
	const digest = await before.hashOf(old, now.sparse);
	return digest !== undefined && digest === (await after.hashOf(now, old.sparse));
}
