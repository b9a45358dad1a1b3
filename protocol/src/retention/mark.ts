import type { Decision } from "./choose.ts";
import type { Keepable } from "./order.ts";
import { defaultGraceSeconds, type RetentionPolicy } from "./policy.ts";

/** What one turn of retention does, oldest first. */
export interface RetentionTurn {
	/** From now on they go when their grace has passed; until then they can be restored and kept after all. */
	readonly mark: readonly string[];
	/** They were marked, and a rule keeps them again. */
	readonly unmark: readonly string[];
	/** They were marked a grace ago, and still nothing keeps them. */
	readonly remove: readonly string[];
}

/**
 * Which archives are marked for removal, which are kept after all, and which go now. Grace is counted in time that the agent
 * served, which no clock can jump over. `marks` holds, for each marked archive, the served time when it was marked.
 */
export function turnRetention(
	decisions: readonly Decision<Keepable>[],
	marks: ReadonlyMap<string, number>,
	{ policy, servedMs }: { readonly policy: RetentionPolicy; readonly servedMs: number },
): RetentionTurn {
	const graceMs = graceMsOf(policy);
	const oldestFirst = decisions.toReversed();
	const going = oldestFirst.filter(({ isKept }) => !isKept).map(({ archive }) => archive.id);
	const isOver = (id: string) => servedMs - (marks.get(id) ?? servedMs) >= graceMs;
	return {
		mark: going.filter((id) => !marks.has(id)),
		unmark: oldestFirst
			.filter(({ archive, isKept }) => isKept && marks.has(archive.id))
			.map(({ archive }) => archive.id),
		remove: going.filter(isOver),
	};
}

export function graceMsOf({ graceSeconds }: RetentionPolicy): number {
	return (graceSeconds ?? defaultGraceSeconds) * 1000;
}
