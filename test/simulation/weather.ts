import type { Chance } from "./chance.ts";

/** How bad the world of one seed is, until it heals. Shares are from 0 to 1. */
export interface Weather {
	readonly stormMs: number;
	/** Of messages, for each receiver. */
	readonly dropShare: number;
	readonly duplicateShare: number;
	readonly slowShare: number;
	readonly longestDelayMs: number;
	/** Of writes of a journal or the history; half of them before, half after the commit. */
	readonly crashShare: number;
	/** Of effects of operations, before, in the middle of and after each. */
	readonly effectCrashShare: number;
	/** A life that follows a crash dies at one of its first writes. */
	readonly secondCrashShare: number;
	/** Of crashes of an agent: its journal is lost too. */
	readonly lostJournalShare: number;
	readonly stepFailShare: number;
	/** Of operations: what they have to undo, or to finish, never works. */
	readonly cursedShare: number;
	readonly diskFullShare: number;
	readonly partitionEveryMs: number;
	readonly longestPartitionMs: number;
	readonly brokerWipeEveryMs: number;
	readonly intrusionEveryMs: number;
	readonly stepAtMostMs: number;
	readonly deadlineSeconds: number;
	readonly requests: number;
	readonly hosts: number;
	/** One for each host: its clock minus the coordinator's. */
	readonly skewsMs: readonly number[];
}

const never = Number.POSITIVE_INFINITY;

/** Nothing goes wrong. */
export const calm: Weather = {
	...{ stormMs: 120_000, dropShare: 0, duplicateShare: 0, slowShare: 0, longestDelayMs: 20 },
	...{ crashShare: 0, effectCrashShare: 0, secondCrashShare: 0, lostJournalShare: 0, stepFailShare: 0 },
	...{ cursedShare: 0, diskFullShare: 0, partitionEveryMs: never, longestPartitionMs: 0 },
	...{ brokerWipeEveryMs: never, intrusionEveryMs: never, stepAtMostMs: 3_000, deadlineSeconds: 3_600 },
	...{ requests: 12, hosts: 2, skewsMs: [0, 0] },
};

export function drawWeather(chance: Chance): Weather {
	const sometimes = (share: number, low: number, high: number): number =>
		chance.hits(share) ? chance.between(low, high) : 0;
	const every = (share: number, low: number, high: number): number =>
		chance.hits(share) ? chance.between(low, high) : never;
	const hosts = chance.whole(1, 3);
	return {
		stormMs: chance.whole(20_000, 75_000),
		dropShare: sometimes(0.7, 0.02, 0.4),
		duplicateShare: sometimes(0.7, 0.02, 0.4),
		slowShare: sometimes(0.7, 0.05, 0.5),
		longestDelayMs: chance.hits(0.2) ? 90_000 : chance.between(500, 15_000),
		crashShare: sometimes(0.7, 0.003, 0.03),
		effectCrashShare: sometimes(0.5, 0.01, 0.06),
		secondCrashShare: chance.between(0, 0.5),
		lostJournalShare: sometimes(0.3, 0.05, 0.5),
		stepFailShare: sometimes(0.5, 0.02, 0.2),
		cursedShare: sometimes(0.2, 0.02, 0.2),
		diskFullShare: sometimes(0.2, 0.02, 0.1),
		partitionEveryMs: every(0.5, 15_000, 60_000),
		longestPartitionMs: chance.hits(0.2) ? 180_000 : chance.between(2_000, 60_000),
		brokerWipeEveryMs: every(0.3, 20_000, 90_000),
		intrusionEveryMs: every(0.6, 2_000, 15_000),
		stepAtMostMs: chance.hits(0.3) ? 40_000 : chance.between(50, 6_000),
		deadlineSeconds: chance.hits(0.3) ? chance.whole(5, 60) : 3_600,
		requests: chance.whole(3, 11),
		hosts,
		skewsMs: Array.from({ length: hosts }, () => drawSkew(chance)),
	};
}

function drawSkew(chance: Chance): number {
	if (chance.hits(0.75)) return 0;
	if (chance.hits(0.8)) return chance.whole(-90_000, 90_000);
	return chance.whole(-700_000, 700_000);
}
