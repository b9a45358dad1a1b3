import {
	ArchiveId,
	type ArchiveSummary,
	Bytes,
	instantOf,
	type RetentionPolicy,
	Sha256,
} from "@davit/protocol";
import { numbersFrom } from "@davit/protocol/testing/seed.ts";

const hourMs = 3_600_000;
export const dayMs = 24 * hourMs;
export const startMs = Date.UTC(2026, 0, 1);
const zones = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Apia"];

/** Random numbers that the same seed gives again. */
export interface Chance {
	below(limit: number): number;
	is(probability: number): boolean;
	of<Item>(items: readonly Item[]): Item;
}

export function chanceOf(seed: number): Chance {
	const below = numbersFrom(seed);
	return {
		below,
		is: (probability) => below(2 ** 32) < probability * 2 ** 32,
		of: (items) => {
			const item = items[below(items.length)];
			if (item === undefined) throw new RangeError("nothing to choose from");
			return item;
		},
	};
}

/** Archives at random times, some of them not good, pinned or drilled; oldest first. */
export function historyOf(chance: Chance, most: number): ArchiveSummary[] {
	let atMs = startMs;
	return Array.from({ length: chance.below(most + 1) }, (_, index) => {
		atMs += chance.of([1, 6, 20, 24, 24, 24, 48, 24 * 7, 24 * 40]) * hourMs + chance.below(hourMs);
		return archiveOf(index + 1, atMs, {
			...(chance.is(0.1) ? { outcome: "partial" } : {}),
			...(chance.is(0.1) ? { damaged: true } : {}),
			...(chance.is(0.1) ? { pinnedAt: instantOf(atMs) } : {}),
			proof: chance.of([
				["taken"],
				["taken", "verified"],
				["taken", "verified"],
				["taken", "verified", "drilled"],
			]),
		});
	});
}

export function archiveOf(
	sequence: number,
	atMs: number,
	change: Partial<ArchiveSummary> = {},
): ArchiveSummary {
	return {
		...{ id: idOf(sequence), sequence, takenAt: instantOf(atMs), bytes: ten, contentBytes: ten, entries: 3 },
		...{ consistency: "paused", outcome: "succeeded", damaged: false, fidelity: "full", durationMs: 1 },
		...{ proof: ["taken", "verified"], manifestSha256: digest },
		...change,
	};
}

const ten = Bytes.parse(10);
const digest = Sha256.parse("0".repeat(64));

function idOf(sequence: number): ArchiveId {
	return ArchiveId.parse(sequence.toString(16).padStart(10, "0"));
}

/** A policy of a few rules; it keeps something. */
export function policyOf(chance: Chance): RetentionPolicy {
	const policy: RetentionPolicy = {};
	for (const rule of ["last", "hourly", "daily", "weekly", "monthly", "yearly"] as const) {
		if (chance.is(0.35)) policy[rule] = 1 + chance.below(6);
	}
	if (chance.is(0.3) || Object.keys(policy).length === 0)
		policy.withinSeconds = 3600 * (1 + chance.below(24 * 40));
	if (chance.is(0.3)) policy.minimumGood = 1 + chance.below(5);
	if (chance.is(0.5)) policy.timeZone = chance.of(zones);
	policy.graceSeconds = chance.of([0, 3600, 86_400, 7 * 86_400]);
	return policy;
}
