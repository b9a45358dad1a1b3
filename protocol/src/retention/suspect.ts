import { z } from "zod";
import type { ArchiveSummary } from "../agent.ts";
import { Instant } from "../vocabulary.ts";
import { isGood, newestFirst } from "./order.ts";

/** Nothing of a resource is removed until a person releases it. */
export const Hold = z.object({
	since: Instant,
	because: z.string().max(1000),
	/** Davit set it after a suspicious backup. */
	isAutomatic: z.boolean(),
});
export type Hold = z.infer<typeof Hold>;

/** What makes a backup suspicious. */
export const Suspicion = z.strictObject({
	/** Less content or fewer entries than this part of what was usual; 0 switches it off. */
	shrinkBelow: z.number().min(0).max(1).default(0.5),
	/** An archive that compresses to more than this part of its content, where less was usual: it may have been encrypted; 1 switches it off. */
	incompressibleAbove: z.number().min(0).max(1).default(0.9),
});
export type Suspicion = z.infer<typeof Suspicion>;

/** What is usual is told by so many good archives before it, and not by fewer than the least. */
const usualOf = 5;
const leastUsual = 3;
/** Smaller ones change by more than half every day. */
const leastEntries = 10;
const leastBytes = 64 * 1024;
/** Where an archive usually compresses to less than this, one that does not is strange. */
const compressible = 0.7;

type Judged = Pick<
	ArchiveSummary,
	"id" | "takenAt" | "proof" | "outcome" | "damaged" | "sequence" | "bytes" | "contentBytes" | "entries"
>;

/**
 * The oldest good archive since the last release that is much smaller than those before it, or no longer compressible: a source
 * that was emptied, not mounted or encrypted. It stays suspicious, whatever comes after it, until it is released.
 */
export function findSuspicion(
	archives: readonly Judged[],
	{ suspicion, released }: { readonly suspicion: Suspicion; readonly released: number | undefined },
): Omit<Hold, "isAutomatic"> | undefined {
	const good = newestFirst(archives).filter(isGood).reverse();
	for (const [index, archive] of good.entries()) {
		if (released !== undefined && (archive.sequence ?? 0) <= released) continue;
		const usual = good.slice(Math.max(0, index - usualOf), index);
		if (usual.length < leastUsual) continue;
		const because = judge(archive, usual, suspicion);
		if (because !== undefined) {
			return { since: archive.takenAt, because: `backup ${archive.id} is suspicious: ${because}` };
		}
	}
	return undefined;
}

function judge(archive: Judged, usual: readonly Judged[], suspicion: Suspicion): string | undefined {
	const { shrinkBelow, incompressibleAbove } = suspicion;
	const entries = median(usual.map((one) => one.entries));
	if (isShrunk(archive.entries, entries, { shrinkBelow, least: leastEntries })) {
		return `it has ${archive.entries} entries where ${entries} were usual`;
	}
	const bytes = median(usual.map((one) => one.contentBytes));
	if (isShrunk(archive.contentBytes, bytes, { shrinkBelow, least: leastBytes })) {
		return `it has ${archive.contentBytes} bytes where ${bytes} were usual`;
	}
	const ratio = ratioOf(archive);
	const usualRatio = median(usual.map(ratioOf));
	if (archive.contentBytes >= leastBytes && ratio > incompressibleAbove && usualRatio < compressible) {
		return `it compressed to ${percent(ratio)} where ${percent(usualRatio)} was usual, as encrypted files do`;
	}
	return undefined;
}

function isShrunk(
	now: number,
	usual: number,
	{ shrinkBelow, least }: { readonly shrinkBelow: number; readonly least: number },
): boolean {
	if (shrinkBelow === 0) return false;
	// A folder without entries still has itself.
	if (now <= 1 && usual > 1) return true;
	return usual >= least && now < usual * shrinkBelow;
}

function ratioOf({ bytes, contentBytes }: Judged): number {
	return contentBytes === 0 ? 0 : bytes / contentBytes;
}

function percent(ratio: number): string {
	return `${Math.round(ratio * 100)} %`;
}

function median(numbers: readonly number[]): number {
	const sorted = numbers.toSorted((one, other) => one - other);
	return sorted[Math.floor((sorted.length - 1) / 2)] ?? 0;
}
