import { z } from "zod";
import { type Dates, isGood, judgeDates, type Keepable, newestFirst } from "./order.ts";
import { type CountedRule, countedRules, type RetentionPolicy } from "./policy.ts";
import { offsetsOf } from "./zone.ts";

/** Why an archive stays, or why it does not count. */
export const KeptReason = z.enum([
	...countedRules,
	"within",
	"newest-good",
	"newest-drilled",
	"pinned",
	"floor",
	"held",
	/** Never read back, so nobody knows whether it may go. */
	"not-verified",
	/** Taken while a clock was wrong, so no rule that reads dates can judge it. */
	"odd-date",
	/** Incomplete, but there is no newer good one. */
	"newer-than-good",
	/** Damaged, and not yet older than all that stay: a person should see it. */
	"damaged",
]);
export type KeptReason = z.infer<typeof KeptReason>;

export interface Decision<Archive> {
	readonly archive: Archive;
	readonly isKept: boolean;
	/** In the order of `KeptReason`; empty where it goes. */
	readonly reasons: readonly KeptReason[];
}

export interface Moment {
	/** Only tells which archives are dated in the future; nothing is old because of it. */
	readonly nowMs: number;
	/** A person, or Davit after a suspicious backup, wants everything kept. */
	readonly isHeld?: boolean;
}

/** How many more of each rule stay where a clock was wrong, because that may split what was one day, week … in two. */
const spareWhenStepped = 2;

/**
 * Which archives stay and why, newest first. Only good ones count: verified, undamaged, complete. The newest good one, the newest drilled one,
 * pinned ones and `minimumGood` good ones always stay. The order in which they were made decides, and the dates recorded in
 * them; a wrong clock never makes more go.
 */
export function chooseKept<Archive extends Keepable>(
	archives: readonly Archive[],
	policy: RetentionPolicy,
	{ nowMs, isHeld = false }: Moment,
): Decision<Archive>[] {
	const all = newestFirst(archives);
	const good = all.filter(isGood);
	const reasons = new Map<Archive, Set<KeptReason>>(all.map((archive) => [archive, new Set()]));
	const keep = (archive: Archive | undefined, reason: KeptReason) => {
		if (archive !== undefined) reasons.get(archive)?.add(reason);
	};
	const isStepped = keepByRules(good, { policy, nowMs }, keep);
	keep(good[0], "newest-good");
	keep(
		good.find(({ proof }) => proof.includes("drilled")),
		"newest-drilled",
	);
	for (const archive of all) {
		if (archive.pinnedAt !== undefined) keep(archive, "pinned");
		if (isHeld) keep(archive, "held");
	}
	const isKept = (archive: Archive) => (reasons.get(archive)?.size ?? 0) > 0;
	keepFloor(good, { minimumGood: policy.minimumGood ?? 1, isStepped, isKept }, keep);
	keepUncounted(all, { policy, good, isKept }, keep);
	return all.map((archive) => ({ archive, isKept: isKept(archive), reasons: ordered(reasons.get(archive)) }));
}

type Keep<Archive> = (archive: Archive | undefined, reason: KeptReason) => void;

/** Good ones are kept, the newest first, until there are enough; what stays only because a clock was wrong is not counted. */
function keepFloor<Archive extends Keepable>(
	good: readonly Archive[],
	{
		minimumGood,
		isStepped,
		isKept,
	}: {
		readonly minimumGood: number;
		readonly isStepped: boolean;
		readonly isKept: (archive: Archive) => boolean;
	},
	keep: Keep<Archive>,
): void {
	let missing = isStepped ? minimumGood : minimumGood - good.filter(isKept).length;
	for (const archive of good) {
		if (missing <= 0) return;
		if (isKept(archive) && !isStepped) continue;
		if (!isKept(archive)) keep(archive, "floor");
		missing -= 1;
	}
}

/** Whether a clock was wrong at some time. */
function keepByRules<Archive extends Keepable>(
	good: readonly Archive[],
	{ policy, nowMs }: { readonly policy: RetentionPolicy; readonly nowMs: number },
	keep: Keep<Archive>,
): boolean {
	for (const archive of good.slice(0, policy.last ?? 0)) keep(archive, "last");
	if (policy.withinSeconds === undefined && datedRules.every((rule) => (policy[rule] ?? 0) === 0))
		return false;
	const dates = judgeDates(good, nowMs);
	for (const archive of dates.odd) keep(archive, "odd-date");
	for (const rule of datedRules) keepByRule(dates, { rule, policy }, keep);
	const withinMs = (policy.withinSeconds ?? 0) * 1000;
	for (const { archive, ageMs } of dates.dated) if (ageMs < withinMs) keep(archive, "within");
	return dates.isStepped;
}

const datedRules = ["hourly", "daily", "weekly", "monthly", "yearly"] as const;

/** As restic does it: the newest of each of the newest periods that have one, and the oldest of all while there is room. */
function keepByRule<Archive extends Keepable>(
	{ dated, isStepped }: Dates<Archive>,
	{ rule, policy }: { readonly rule: (typeof datedRules)[number]; readonly policy: RetentionPolicy },
	keep: Keep<Archive>,
): void {
	const wanted = policy[rule] ?? 0;
	if (wanted === 0) return;
	const offsetMs = offsetsOf(policy.timeZone ?? "UTC");
	let left = wanted + (isStepped ? spareWhenStepped : 0);
	let newest: number | undefined;
	dated.forEach(({ archive, atMs }, index) => {
		if (left === 0) return;
		const period = periodOf[rule](atMs + offsetMs(atMs));
		if (period === newest && index < dated.length - 1) return;
		keep(archive, rule);
		newest = period;
		left -= 1;
	});
}

const hourMs = 3_600_000;
const dayOf = (localMs: number) => Math.floor(localMs / (24 * hourMs));

/** The number of the period in which a zone's clocks show a time. */
const periodOf: Readonly<Record<Exclude<CountedRule, "last">, (localMs: number) => number>> = {
	hourly: (localMs) => Math.floor(localMs / hourMs),
	daily: dayOf,
	// ISO weeks begin on Monday; 1970 began on a Thursday.
	weekly: (localMs) => Math.floor((dayOf(localMs) + 3) / 7),
	monthly: (localMs) => new Date(localMs).getUTCFullYear() * 12 + new Date(localMs).getUTCMonth(),
	yearly: (localMs) => new Date(localMs).getUTCFullYear(),
};

/** What is not good counts for nothing, and still only goes when something better is there. */
function keepUncounted<Archive extends Keepable>(
	all: readonly Archive[],
	{
		policy,
		good,
		isKept,
	}: {
		readonly policy: RetentionPolicy;
		readonly good: readonly Archive[];
		readonly isKept: (archive: Archive) => boolean;
	},
	keep: Keep<Archive>,
): void {
	const [newestGood] = good;
	const firstOlder = newestGood === undefined ? all.length : all.indexOf(newestGood);
	let room = mostOf(policy);
	all.forEach((archive, index) => {
		if (archive.damaged || isGood(archive)) return;
		if (archive.outcome === "succeeded") keep(archive, "not-verified");
		else if (index < firstOlder && room > 0) {
			keep(archive, "newer-than-good");
			room -= 1;
		}
	});
	const oldestKept = all.findLastIndex(isKept);
	all.forEach((archive, index) => {
		if (archive.damaged && (oldestKept < 0 || index < oldestKept)) keep(archive, "damaged");
	});
}

/** The most that a policy can keep. */
function mostOf(policy: RetentionPolicy): number {
	if (policy.withinSeconds !== undefined) return Number.POSITIVE_INFINITY;
	return Math.max(
		policy.minimumGood ?? 1,
		countedRules.reduce((sum, rule) => sum + (policy[rule] ?? 0), 0),
	);
}

function ordered(reasons: ReadonlySet<KeptReason> | undefined): KeptReason[] {
	return KeptReason.options.filter((reason) => reasons?.has(reason));
}
