import { type Instant, instantOf } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { ScheduleRecord, Waiting } from "../history/records.ts";
import type { Schedule } from "./book.ts";

export const longestWaitMs = 12 * 3_600_000;
const dayMs = 24 * 3_600_000;
/** A clock that goes forward by more while the machine runs was set wrong, or was wrong: it was no absence that is caught up. */
const longestAbsenceMs = 8 * dayMs;

type Planned = Pick<ScheduleRecord, "nextDueAt" | "fireAt" | "plannedAt">;

/** The next due time after `afterMs`, with the jitter drawn for it. */
export function planNext(core: Core, { calendar, record }: Schedule, afterMs: number): Planned {
	const dueMs = calendar.next(afterMs);
	const plannedAt = { ...core.steady(), at: instantOf(core.now()) };
	if (dueMs === undefined) return { nextDueAt: null, fireAt: null, plannedAt };
	const jitterMs = Math.floor(core.random() * (record.jitterSeconds * 1000 + 1));
	return { nextDueAt: instantOf(dueMs), fireAt: instantOf(dueMs + jitterMs), plannedAt };
}

/**
 * Plans anew what a clock that was set would bring twice, in years, or for years that did not pass; ADR 0078 has the rules. To be
 * called before what is due is looked for.
 */
export function followClock(core: Core, schedule: Schedule): void {
	const { record } = schedule;
	if (record.nextDueAt === null || record.paused) return;
	const nowMs = core.now();
	const passed = wasLeaptOver(core, schedule) ? nowMs : setBackTo(schedule, nowMs);
	if (passed === undefined) return;
	const { plannedAt, ...planned } = planNext(core, schedule, passed);
	const isKnownHere = record.plannedAt?.since === core.steady().since;
	const isNewEra = msOf(record.lastDueAt) > passed;
	core.log.warn(
		{ schedule: record.name, dueAt: record.nextDueAt, nextDueAt: planned.nextDueAt },
		"the clock was set; a schedule was planned anew",
	);
	const startBy = startByFor(planned, nowMs);
	core.schedules.save(
		{
			...{ ...record, ...planned, waiting: record.waiting.map((waiting) => ({ ...waiting, startBy })) },
			// What was missed before this start of the machine is still to be caught up.
			...(isKnownHere ? { plannedAt } : {}),
			...(isNewEra ? { era: (record.era ?? 0) + 1 } : {}),
		},
		"due",
	);
}

/** Until when something that is due now may wait for its turn: the next time takes its place. */
export function startByFor({ fireAt }: Pick<Planned, "fireAt">, nowMs: number): Waiting["startBy"] {
	const nextMs = fireAt === null ? Number.POSITIVE_INFINITY : Date.parse(fireAt);
	return instantOf(Math.min(nextMs, nowMs + longestWaitMs));
}

/** Whether the clock was set past the due time: all that came before has had its run, or that time did not pass. */
function wasLeaptOver(core: Core, schedule: Schedule): boolean {
	const { fireAt, plannedAt } = schedule.record;
	const nowMs = core.now();
	if (fireAt === null || Date.parse(fireAt) > nowMs) return false;
	if ((firstMissed(schedule, nowMs) ?? 0) > nowMs) return true;
	const steady = core.steady();
	if (plannedAt === undefined || plannedAt.since !== steady.since) return false;
	const servedMs = Date.parse(plannedAt.at) + steady.ms - plannedAt.ms;
	return nowMs - servedMs > longestAbsenceMs && servedMs < Date.parse(fireAt);
}

/** The due time after the last one that had its run; undefined where there was none, or by a clock that was ahead. */
export function firstMissed({ record, calendar }: Schedule, nowMs: number): number | undefined {
	const lastMs = msOf(record.lastDueAt);
	return lastMs === 0 || lastMs > nowMs ? undefined : calendar.next(lastMs);
}

/**
 * After which moment due times count, where the next one would come sooner than is planned: a clock that was set back a little comes
 * to due times again that had their run, and one that was years ahead left the next one in years.
 */
function setBackTo({ record, calendar }: Schedule, nowMs: number): number | undefined {
	const lastMs = msOf(record.lastDueAt);
	const repeatMs = lastMs === 0 ? 0 : (calendar.next(lastMs) ?? lastMs) - lastMs;
	const longestRepeatMs = Math.min(Math.max(repeatMs, dayMs), longestAbsenceMs);
	const doneMs = lastMs - nowMs > longestRepeatMs ? nowMs : Math.max(lastMs, nowMs);
	const nextMs = calendar.next(doneMs);
	return nextMs === undefined || nextMs >= msOf(record.nextDueAt) ? undefined : doneMs;
}

function msOf(at: Instant | null): number {
	return at === null ? 0 : Date.parse(at);
}
