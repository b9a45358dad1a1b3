import { z } from "zod";
import { isTimeZone } from "./zone.ts";

const Count = z.int().min(0).max(10_000);
const daySeconds = 86_400;
const longestSeconds = 200 * 366 * daySeconds;

/** What stays of a resource's archives. An archive stays when any rule keeps it. */
export const RetentionPolicy = z
	.strictObject({
		/** So many of the newest. */
		last: Count.optional(),
		/** The newest of each of so many hours, days, ISO weeks, months, years that have one. */
		hourly: Count.optional(),
		daily: Count.optional(),
		weekly: Count.optional(),
		monthly: Count.optional(),
		yearly: Count.optional(),
		/** All that are not older than this, counted back from the newest good archive. */
		withinSeconds: z.int().min(1).max(longestSeconds).optional(),
		/** So many good ones stay whatever the rules say. */
		minimumGood: z.int().min(1).max(10_000).optional(),
		/** Whose days, weeks, months and years they are; UTC where it is missing. */
		timeZone: z.string().max(64).refine(isTimeZone, "there is no such time zone").optional(),
		/** How long one that is marked for removal can still be kept, counted while its agent runs; 7 days where it is missing. */
		graceSeconds: z.int().min(0).max(longestSeconds).optional(),
	})
	.refine(keepsSomething, "this would keep nothing: give a number of at least 1, or a time");
export type RetentionPolicy = z.infer<typeof RetentionPolicy>;

export const countedRules = ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const;
export type CountedRule = (typeof countedRules)[number];

export const defaultGraceSeconds = 7 * daySeconds;

function keepsSomething(policy: Partial<Record<CountedRule | "withinSeconds", number | undefined>>): boolean {
	return policy.withinSeconds !== undefined || countedRules.some((rule) => (policy[rule] ?? 0) > 0);
}

/** `keepLast` is shorthand for a policy of one rule. */
export function policyOfKeepLast(keepLast: number): RetentionPolicy {
	return { last: keepLast };
}

/** Keeps what either would keep; its time zone is the first's. */
export function mergePolicies(one: RetentionPolicy, other: RetentionPolicy): RetentionPolicy {
	const merged: RetentionPolicy = {};
	for (const rule of [...countedRules, "withinSeconds", "minimumGood"] as const) {
		const most = Math.max(one[rule] ?? 0, other[rule] ?? 0);
		if (most > 0) merged[rule] = most;
	}
	const timeZone = one.timeZone ?? other.timeZone;
	if (timeZone !== undefined) merged.timeZone = timeZone;
	const graces = [one.graceSeconds, other.graceSeconds];
	if (graces.some((grace) => grace !== undefined)) {
		merged.graceSeconds = Math.max(...graces.map((grace) => grace ?? defaultGraceSeconds));
	}
	return merged;
}

const unitSeconds: Readonly<Record<string, number>> = {
	s: 1,
	m: 60,
	h: 3600,
	d: daySeconds,
	w: 7 * daySeconds,
	y: 365 * daySeconds,
};

/** The seconds of `30d`, `12h`, `1y 6w` or `3600`; undefined where it is no time. */
export function parseDurationSeconds(text: string): number | undefined {
	const trimmed = text.trim();
	if (/^\d+$/.test(trimmed)) return Number(trimmed);
	if (!/^(?:\d+\s*[smhdwy]\s*)+$/.test(trimmed)) return undefined;
	const parts = [...trimmed.matchAll(/(\d+)\s*([smhdwy])/g)];
	return parts.reduce((sum, [, number, unit = ""]) => sum + Number(number) * (unitSeconds[unit] ?? 0), 0);
}

/** `30d`, `36h`, `90s`: the largest unit that fits exactly. */
export function durationText(seconds: number): string {
	for (const unit of ["d", "h", "m"] as const) {
		const size = unitSeconds[unit] ?? 1;
		if (seconds >= size && seconds % size === 0) return `${seconds / size}${unit}`;
	}
	return `${seconds}s`;
}

/** `last 3, daily 7, within 30d, at least 2 good`. */
export function policyText(policy: RetentionPolicy): string {
	const { withinSeconds, minimumGood, timeZone, graceSeconds } = policy;
	const rules = countedRules.flatMap((rule) => ((policy[rule] ?? 0) > 0 ? `${rule} ${policy[rule]}` : []));
	return [
		...rules,
		...(withinSeconds === undefined ? [] : [`within ${durationText(withinSeconds)}`]),
		...(minimumGood === undefined ? [] : [`at least ${minimumGood} good`]),
		...(timeZone === undefined ? [] : [`days of ${timeZone}`]),
		...(graceSeconds === undefined ? [] : [`grace ${durationText(graceSeconds)}`]),
	].join(", ");
}

const words: Readonly<Record<string, keyof RetentionPolicy>> = {
	...Object.fromEntries(countedRules.map((rule) => [rule, rule])),
	within: "withinSeconds",
	"minimum-good": "minimumGood",
	zone: "timeZone",
	grace: "graceSeconds",
};

/**
 * Reads `last=3,daily=7,within=30d,minimum-good=2,zone=Europe/Berlin,grace=7d`.
 * @throws RangeError with a sentence that names what cannot be used
 */
export function parsePolicy(text: string): RetentionPolicy {
	const read: Record<string, unknown> = {};
	for (const part of text.split(",").map((piece) => piece.trim())) {
		const [word = "", value = ""] = part.split(/=(.*)/s);
		const key = Object.hasOwn(words, word) ? words[word] : undefined;
		if (key === undefined) {
			throw new RangeError(`'${word.slice(0, 40)}' is no rule: use ${Object.keys(words).join(", ")}`);
		}
		if (Object.hasOwn(read, key)) throw new RangeError(`'${word}' is given twice`);
		read[key] = readValue(key, value);
		if (read[key] === undefined) throw new RangeError(`'${word}' cannot be '${value.slice(0, 40)}'`);
	}
	const policy = RetentionPolicy.safeParse(read);
	if (policy.success) return policy.data;
	throw new RangeError(describeProblem(policy.error.issues));
}

function readValue(key: keyof RetentionPolicy, value: string): string | number | undefined {
	if (key === "timeZone") return value;
	if (key === "withinSeconds" || key === "graceSeconds") return parseDurationSeconds(value);
	return /^\d+$/.test(value) ? Number(value) : undefined;
}

function describeProblem(
	issues: readonly { readonly path: PropertyKey[]; readonly message: string }[],
): string {
	return issues.map(({ path, message }) => [...path.map(String), message].join(": ")).join("; ");
}
