import { isTimeZone, OperationError, offsetsOf } from "@davit/protocol";
import cron from "node-cron";

/** Due times by five cron fields in a time zone. */
export interface Calendar {
	/** The first due time after `afterMs`, milliseconds since 1970; undefined where there is none within four years. */
	next(afterMs: number): number | undefined;
}

interface Fields {
	readonly minutes: readonly number[];
	readonly hours: readonly number[];
	readonly days: ReadonlySet<number>;
	readonly months: ReadonlySet<number>;
	readonly weekdays: ReadonlySet<number>;
	/** Both day fields are restricted: either may match, as in Vixie cron. */
	readonly eitherDay: boolean;
}

const dayMs = 86_400_000;
const daysLooked = 4 * 366;
const mostRemembered = 64;

/**
 * Reads five cron fields. A local time that the change to summer time leaves out comes at the moment of the change; one that the
 * change back repeats comes once, the first time. node-cron reads the fields; the dates are ours, because its own are
 * computed from the machine's clock only.
 * @throws OperationError schedule-invalid
 */
export function readCalendar(pattern: string, timeZone: string): Calendar {
	const fields = readFields(pattern);
	const offsetMs = offsetsIn(timeZone);
	const find = (afterMs: number) => findNext(afterMs, fields, offsetMs);
	return { next: remembering(find) };
}

function findNext(afterMs: number, fields: Fields, offsetMs: (atMs: number) => number): number | undefined {
	// A day before, so that no offset hides a due time at the day's edge.
	const firstDay = Math.floor((afterMs + offsetMs(afterMs)) / dayMs) - 1;
	for (let day = firstDay; day < firstDay + daysLooked; day += 1) {
		if (!isDueOn(fields, day)) continue;
		const due = dueTimesOn(fields, day, offsetMs).find((timeMs) => timeMs > afterMs);
		if (due !== undefined) return due;
	}
	return undefined;
}

/** Whole fleets ask for the due time after much the same moments: between two due times the answer is one. */
function remembering(find: Calendar["next"]): Calendar["next"] {
	const known: { fromMs: number; dueMs: number }[] = [];
	return (afterMs) => {
		const hit = known.find(({ fromMs, dueMs }) => fromMs <= afterMs && afterMs < dueMs);
		if (hit !== undefined) return hit.dueMs;
		const dueMs = find(afterMs);
		if (dueMs === undefined) return undefined;
		const same = known.find((entry) => entry.dueMs === dueMs);
		if (same !== undefined) same.fromMs = Math.min(same.fromMs, afterMs);
		else known.push({ fromMs: afterMs, dueMs });
		if (known.length > mostRemembered) known.shift();
		return dueMs;
	};
}

function readFields(pattern: string): Fields {
	const parts = pattern.trim().split(/\s+/);
	if (parts.length !== 5 || pattern.length > 200) throw invalid(pattern, "it needs five fields");
	const { valid, fields, errors } = cron.validateDetailed(parts.join(" "));
	if (!valid || fields === undefined) throw invalid(pattern, errors[0]?.message ?? "it cannot be read");
	const [, , dayPart, , weekdayPart] = parts;
	return {
		minutes: fields.minute,
		hours: fields.hour,
		days: new Set(plain(pattern, fields.dayOfMonth)),
		months: new Set(fields.month),
		weekdays: new Set(plain(pattern, fields.dayOfWeek).map((weekday) => weekday % 7)),
		eitherDay: dayPart !== "*" && weekdayPart !== "*",
	};
}

function plain(pattern: string, values: readonly (number | string)[]): number[] {
	return values.map((value) => {
		const number = Number(value);
		if (!Number.isInteger(number)) throw invalid(pattern, `a day may not be ${value}`);
		return number;
	});
}

function invalid(pattern: string, reason: string): OperationError {
	return new OperationError(
		"schedule-invalid",
		`the times '${pattern.slice(0, 100)}' cannot be read: ${reason}`,
	);
}

function isDueOn(fields: Fields, day: number): boolean {
	const date = new Date(day * dayMs);
	if (!fields.months.has(date.getUTCMonth() + 1)) return false;
	const isDay = fields.days.has(date.getUTCDate());
	const isWeekday = fields.weekdays.has(date.getUTCDay());
	return fields.eitherDay ? isDay || isWeekday : isDay && isWeekday;
}

/** Rising, and each moment once: several local times that the change to summer time leaves out fall together. */
function dueTimesOn(fields: Fields, day: number, offsetMs: (atMs: number) => number): number[] {
	const times = fields.hours.flatMap((hour) =>
		fields.minutes.map((minute) => momentOf(day * dayMs + (hour * 60 + minute) * 60_000, offsetMs)),
	);
	return [...new Set(times)].sort((one, other) => one - other);
}

/** The first moment at which clocks show `localMs` or more. */
function momentOf(localMs: number, offsetMs: (atMs: number) => number): number {
	const before = offsetMs(localMs - dayMs);
	const after = offsetMs(localMs + dayMs);
	const candidates = [localMs - before, localMs - after].sort((one, other) => one - other);
	const shown = candidates.find((atMs) => atMs + offsetMs(atMs) === localMs);
	return shown ?? changeBetween(localMs - dayMs, localMs + dayMs, offsetMs);
}

/** The moment between two at which the offset changes, to the minute. */
function changeBetween(fromMs: number, toMs: number, offsetMs: (atMs: number) => number): number {
	const before = offsetMs(fromMs);
	let [low, high] = [Math.floor(fromMs / 60_000), Math.ceil(toMs / 60_000)];
	while (high - low > 1) {
		const middle = Math.floor((low + high) / 2);
		if (offsetMs(middle * 60_000) === before) low = middle;
		else high = middle;
	}
	return high * 60_000;
}

/** @throws OperationError schedule-invalid */
function offsetsIn(timeZone: string): (atMs: number) => number {
	if (isTimeZone(timeZone)) return offsetsOf(timeZone);
	throw new OperationError("schedule-invalid", `there is no time zone '${timeZone.slice(0, 100)}'`, {
		hint: "write it as Europe/Berlin, or UTC",
	});
}
