import { chooseKept, type Decision } from "./choose.ts";
import { graceMsOf, turnRetention } from "./mark.ts";
import { type Keepable, newestFirst } from "./order.ts";
import type { RetentionPolicy } from "./policy.ts";

/** An archive that is there, or one that will have been taken. */
export interface Simulated extends Keepable {
	readonly bytes: number;
	readonly isReal: boolean;
	/** When it goes at the earliest, where it is marked already. */
	readonly goesAt?: string | undefined;
}

export interface SimulationStart {
	readonly archives: readonly Simulated[];
	readonly policy: RetentionPolicy;
	readonly nowMs: number;
	readonly isHeld?: boolean;
	/** When good backups will have been taken, rising. */
	readonly slots: readonly number[];
	/** How large each of them is. */
	readonly bytes: number;
}

/** One turn of retention, after a backup. */
export interface SimulatedTurn {
	readonly atMs: number;
	/** Those that stay; marked ones are counted apart. */
	readonly kept: number;
	readonly waiting: number;
	/** Ids. */
	readonly removed: readonly string[];
	/** Of all that are on the disk after it. */
	readonly bytes: number;
}

export interface Simulation {
	/** What a turn now would decide. */
	readonly today: readonly Decision<Simulated>[];
	readonly turns: readonly SimulatedTurn[];
	/** What is there after the last turn, and why. */
	readonly end: readonly Decision<Simulated>[];
}

/**
 * What will exist on a day to come: real archives and simulated ones, and after each backup a turn of retention by the very
 * functions that the agent uses. The agent is taken to serve without a break.
 */
export function simulateRetention(start: SimulationStart): Simulation {
	const { policy, nowMs, isHeld = false } = start;
	let archives: Simulated[] = newestFirst(start.archives);
	const marks = marksOf(start);
	const decide = (atMs: number) => chooseKept(archives, policy, { nowMs: atMs, isHeld });
	const today = decide(nowMs);
	const turns = start.slots.map((atMs, index): SimulatedTurn => {
		archives = [takenAt(atMs, { index, archives, bytes: start.bytes }), ...archives];
		const decisions = decide(atMs);
		const turn = turnRetention(decisions, marks, { policy, servedMs: atMs - nowMs });
		for (const id of turn.unmark) marks.delete(id);
		for (const id of turn.mark) marks.set(id, atMs - nowMs);
		const gone = new Set(turn.remove);
		archives = archives.filter(({ id }) => !gone.has(id));
		for (const id of gone) marks.delete(id);
		return {
			...{ atMs, kept: archives.length - marks.size, waiting: marks.size, removed: turn.remove },
			bytes: archives.reduce((sum, { bytes }) => sum + bytes, 0),
		};
	});
	return { today, turns, end: decide(start.slots.at(-1) ?? nowMs) };
}

/** The served time at which each was marked, with 0 as now: its grace may be over, never longer than the policy's. */
function marksOf({ archives, policy, nowMs }: SimulationStart): Map<string, number> {
	const graceMs = graceMsOf(policy);
	return new Map(
		archives.flatMap(({ id, goesAt }) => {
			if (goesAt === undefined) return [];
			const leftMs = Math.min(Math.max(Date.parse(goesAt) - nowMs, 0), graceMs);
			return [[id, leftMs - graceMs] as const];
		}),
	);
}

function takenAt(
	atMs: number,
	{
		index,
		archives,
		bytes,
	}: { readonly index: number; readonly archives: readonly Simulated[]; readonly bytes: number },
): Simulated {
	const sequence = Math.max(0, ...archives.map((archive) => archive.sequence ?? 0)) + 1;
	return {
		...{ id: `simulated-${index}`, sequence, bytes, isReal: false },
		// An instant by its form: it was made from a clock's reading.
		takenAt: new Date(atMs).toISOString() as Simulated["takenAt"],
		...{ proof: ["taken", "verified"], outcome: "succeeded", damaged: false },
	};
}
