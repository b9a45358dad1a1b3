import type { ArchiveId, ArchiveSummary } from "@davit/protocol";

/** Whether an archive counts as a backup: readable, whole, and read back once. */
export function isGood({ damaged, outcome, proof }: ArchiveSummary): boolean {
	return !damaged && outcome === "succeeded" && proof.includes("verified");
}

/**
 * Which archives go when the newest `keepLast` stay, oldest first. The newest good one never goes, however old it is; where none
 * is good the newest that is whole, or else readable, stays in its place. Damaged ones do not count as kept, and go once they are older than all
 * that stay.
 */
export function chooseRemovals(archives: readonly ArchiveSummary[], keepLast: number): readonly ArchiveId[] {
	const newestFirst = archives.toSorted(byAgeNewestFirst);
	const readable = newestFirst.filter(({ damaged }) => !damaged);
	const kept = new Set(readable.slice(0, Math.max(1, keepLast)).map(({ id }) => id));
	const whole = readable.find(({ outcome }) => outcome === "succeeded");
	const floor = newestFirst.find(isGood) ?? whole ?? readable[0];
	if (floor !== undefined) kept.add(floor.id);
	const oldestKept = newestFirst.findLastIndex(({ id }) => kept.has(id));
	return newestFirst
		.filter(
			({ id, damaged }, index) => !kept.has(id) && (!damaged || (oldestKept >= 0 && index > oldestKept)),
		)
		.map(({ id }) => id)
		.reverse();
}

function byAgeNewestFirst(left: ArchiveSummary, right: ArchiveSummary): number {
	if (left.takenAt !== right.takenAt) return left.takenAt < right.takenAt ? 1 : -1;
	return left.id < right.id ? 1 : -1;
}
