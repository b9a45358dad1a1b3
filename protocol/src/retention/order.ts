import type { ArchiveSummary } from "../agent.ts";

/** What retention reads of an archive, wherever it is stored. */
export type Keepable = Pick<ArchiveSummary, "takenAt" | "proof" | "outcome" | "damaged"> & {
	readonly id: string;
	/** Its number among the archives of its resource, which no clock can change. */
	readonly sequence?: number | undefined;
	/** Since when a person wants it kept. */
	readonly pinnedAt?: string | undefined;
};

const dayMs = 86_400_000;
/** No calendar of backups leaves out so much; a wrong clock does. */
const stepMs = 180 * dayMs;

/** Whether an archive counts as a backup: readable, whole, and read back once. */
export function isGood({ damaged, outcome, proof }: Omit<Keepable, "id" | "takenAt">): boolean {
	return !damaged && outcome === "succeeded" && proof.includes("verified");
}

/** In the order in which they were made, newest first: by sequence; those from before there was one are older, by date. */
export function newestFirst<Archive extends Keepable>(archives: readonly Archive[]): Archive[] {
	return archives.toSorted(compare);
}

function compare(one: Keepable, other: Keepable): number {
	if (one.sequence !== undefined && other.sequence !== undefined && one.sequence !== other.sequence) {
		return other.sequence - one.sequence;
	}
	if ((one.sequence === undefined) !== (other.sequence === undefined)) {
		return one.sequence === undefined ? 1 : -1;
	}
	if (one.takenAt !== other.takenAt) return one.takenAt < other.takenAt ? 1 : -1;
	return one.id < other.id ? 1 : -1;
}

export interface Dated<Archive> {
	readonly archive: Archive;
	readonly atMs: number;
	/** How much older than the newest dated one. A step of the clock does not count, and no gap more than twice the second largest. */
	readonly ageMs: number;
}

export interface Dates<Archive> {
	/** Newest first: those whose dates agree with their order. */
	readonly dated: readonly Dated<Archive>[];
	/** Dated in the future, or out of order: taken while the clock was wrong. */
	readonly odd: readonly Archive[];
	/** A clock was wrong at some time, so an hour, day, week … may have been split. */
	readonly isStepped: boolean;
}

/** Which dates can be believed. `archives` are newest first. */
export function judgeDates<Archive extends Keepable>(
	archives: readonly Archive[],
	nowMs: number,
): Dates<Archive> {
	const possible = archives
		.map((archive, place) => ({ archive, place, atMs: Date.parse(archive.takenAt) }))
		.filter(({ atMs }) => atMs <= nowMs + dayMs);
	const believed = longestFalling(possible);
	const gaps = believed.map(({ atMs }, index) => (believed[index - 1]?.atMs ?? atMs) - atMs);
	// Where one with an odd date lies between two, the gap is that of several backups.
	const single = believed.map(
		({ place }, index) => (gaps[index] ?? 0) / (place - (believed[index - 1]?.place ?? place - 1)),
	);
	const [largest = 0, second = 0] = single.slice(1).sort((one, other) => other - one);
	const isStep = (gapMs: number) => gapMs > stepMs && gapMs > 2 * second;
	const [, usual = 0] = single
		.slice(1)
		.filter((gapMs) => !isStep(gapMs))
		.sort((one, other) => other - one);
	const longest = 2 * usual;
	let ageMs = 0;
	const dated = believed.map(({ archive, atMs }, index) => {
		const gapMs = gaps[index] ?? 0;
		ageMs += isStep(gapMs) ? 0 : Math.min(gapMs, longest);
		return { archive, atMs, ageMs };
	});
	const isStepped = dated.length < archives.length || isStep(largest);
	if (dated.length === archives.length) return { dated, odd: [], isStepped };
	const kept = new Set(dated.map(({ archive }) => archive));
	return { dated, odd: archives.filter((archive) => !kept.has(archive)), isStepped };
}

/** The longest part, in order, of which none is later than the one before it. */
function longestFalling<Item extends { readonly atMs: number }>(items: readonly Item[]): readonly Item[] {
	if (items.every(({ atMs }, index) => index === 0 || atMs <= (items[index - 1]?.atMs ?? atMs))) return items;
	/** The index of the last item of the best part of each length, and what came before each item. */
	const ends: number[] = [];
	const before: (number | undefined)[] = [];
	items.forEach(({ atMs }, index) => {
		let [low, high] = [0, ends.length];
		while (low < high) {
			const middle = (low + high) >> 1;
			if ((items[ends[middle] ?? 0]?.atMs ?? 0) >= atMs) low = middle + 1;
			else high = middle;
		}
		before[index] = ends[low - 1];
		ends[low] = index;
	});
	const part: Item[] = [];
	for (let index = ends.at(-1); index !== undefined; index = before[index]) {
		const item = items[index];
		if (item !== undefined) part.push(item);
	}
	return part.reverse();
}
