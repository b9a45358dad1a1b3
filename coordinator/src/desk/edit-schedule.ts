import {
	instantOf,
	OperationError,
	type PrincipalName,
	type RetentionPolicy,
	type ScheduleDocument,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { ScheduleChange } from "../desk.ts";
import { scheduleDocument } from "../documents/details.ts";
import type { ScheduleRecord } from "../history/records.ts";
import { authoriseOperator } from "../requests/authorise.ts";
import { readCalendar } from "../schedules/cron.ts";
import { planNext } from "../schedules/plan-next.ts";
import { requireConfirmation } from "./confirm-policy.ts";
import { checkSettings, tellTargets } from "./schedules.ts";

export interface Edit {
	readonly name: string;
	readonly change: ScheduleChange;
	readonly confirm: string;
}

/**
 * Changes a schedule. Where archives would go that stay now, its name is needed as confirmation.
 * @throws OperationError not-allowed | schedule-not-found | schedule-invalid | confirmation-missing
 */
export function editSchedule(
	core: Core,
	{ name, change, confirm }: Edit,
	principal: PrincipalName,
): ScheduleDocument {
	authoriseOperator(principal, "edit a schedule");
	const before = recordOf(core, name);
	const { policy: _policy, keepLast: _keepLast, ...rest } = before;
	const { policy, keepLast, ...settings } = change;
	const isSamePolicy = policy === undefined && keepLast === undefined;
	const kept = isSamePolicy ? pick(before) : pick({ policy: policy ?? undefined, keepLast });
	// A setting that was left out is not among them.
	const record = { ...rest, ...settings, ...kept } as ScheduleRecord;
	checkSettings(record);
	const calendar = readCalendar(record.cron, record.timeZone);
	const isSameTime = record.cron === before.cron && record.timeZone === before.timeZone;
	const next =
		isSameTime && record.jitterSeconds === before.jitterSeconds
			? before
			: planNext(core, { calendar, record }, core.now());
	if (next.nextDueAt === null) {
		throw new OperationError("schedule-invalid", `the times '${record.cron}' never come`);
	}
	if (!isSamePolicy) requireConfirmation(core, record, confirm);
	const { nextDueAt, fireAt, plannedAt } = next;
	core.schedules.save({ ...record, nextDueAt, fireAt, ...(plannedAt === undefined ? {} : { plannedAt }) });
	core.log.info({ schedule: name, principal }, "a schedule was changed");
	tellTargets(core, record.target);
	return scheduleDocument(core, name);
}

/** What was missed while it was paused is not caught up. @throws OperationError not-allowed | schedule-not-found */
export function pauseSchedule(
	core: Core,
	{ name, isPaused }: { readonly name: string; readonly isPaused: boolean },
	principal: PrincipalName,
): ScheduleDocument {
	authoriseOperator(principal, "pause a schedule");
	const record = recordOf(core, name);
	if (record.paused !== isPaused) {
		const calendar = readCalendar(record.cron, record.timeZone);
		const next = isPaused
			? {}
			: { ...planNext(core, { calendar, record }, core.now()), addedAt: instantOf(core.now()) };
		core.schedules.save({ ...record, ...next, paused: isPaused, waiting: [] });
		core.log.info({ schedule: name, principal, paused: isPaused }, "a schedule was paused or resumed");
		tellTargets(core, record.target);
	}
	return scheduleDocument(core, name);
}

function recordOf(core: Core, name: string): ScheduleRecord {
	scheduleDocument(core, name);
	const schedule = core.schedules.find(name);
	if (schedule === undefined) throw new OperationError("schedule-not-found", `no schedule is called ${name}`);
	return schedule.record;
}

function pick({
	policy,
	keepLast,
}: {
	readonly policy?: RetentionPolicy | undefined;
	readonly keepLast?: number | undefined;
}): Pick<ScheduleRecord, "policy" | "keepLast"> {
	return { ...(policy === undefined ? {} : { policy }), ...(keepLast === undefined ? {} : { keepLast }) };
}
