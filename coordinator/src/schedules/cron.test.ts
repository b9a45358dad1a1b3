import assert from "node:assert/strict";
import { test } from "node:test";
import { OperationError } from "@davit/protocol";
import { readCalendar } from "./cron.ts";

function upcoming(
	pattern: string,
	zone: string,
	...[from, count = 3]: [from: string, count?: number]
): string[] {
	const calendar = readCalendar(pattern, zone);
	const times: number[] = [];
	while (times.length < count) {
		const next = calendar.next(times.at(-1) ?? Date.parse(from));
		if (next === undefined) break;
		times.push(next);
	}
	return times.map((time) => new Date(time).toISOString());
}

test("due times are those of the zone's clocks", () => {
	assert.deepEqual(upcoming("0 3 * * *", "Europe/Berlin", "2026-11-22T12:00:00Z"), [
		"2026-11-23T02:00:00.000Z",
		"2026-11-24T02:00:00.000Z",
		"2026-11-25T02:00:00.000Z",
	]);
	assert.deepEqual(upcoming("*/20 9 * * 1", "America/New_York", "2026-11-22T12:00:00Z"), [
		"2026-11-23T14:00:00.000Z",
		"2026-11-23T14:20:00.000Z",
		"2026-11-23T14:40:00.000Z",
	]);
});

test("a time that the change to summer time leaves out comes once, at the change", () => {
	// Clocks in Berlin go from 02:00 to 03:00 on 2027-03-28, which is 01:00 UTC.
	assert.deepEqual(upcoming("30 2 * * *", "Europe/Berlin", "2027-03-27T00:00:00Z"), [
		"2027-03-27T01:30:00.000Z",
		"2027-03-28T01:00:00.000Z",
		"2027-03-29T00:30:00.000Z",
	]);
});

test("a time that the change back repeats comes once, the first time", () => {
	// Clocks in Berlin go from 03:00 back to 02:00 on 2026-10-25.
	assert.deepEqual(upcoming("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z", 2), [
		"2026-10-25T00:30:00.000Z",
		"2026-10-26T01:30:00.000Z",
	]);
});

test("with both day fields given either may match, and days that a month lacks are passed over", () => {
	assert.deepEqual(upcoming("0 0 31 * *", "UTC", "2026-11-01T00:00:00Z", 2), [
		"2026-12-31T00:00:00.000Z",
		"2027-01-31T00:00:00.000Z",
	]);
	assert.deepEqual(upcoming("0 0 1 * 0", "UTC", "2026-11-25T00:00:00Z", 3), [
		"2026-11-29T00:00:00.000Z",
		"2026-12-01T00:00:00.000Z",
		"2026-12-06T00:00:00.000Z",
	]);
	assert.deepEqual(upcoming("0 0 29 2 *", "UTC", "2026-11-25T00:00:00Z", 1), ["2028-02-29T00:00:00.000Z"]);
});

test("every due time of a year in a zone with half an hour's change is after the one before", () => {
	const calendar = readCalendar("15 */2 * * *", "Australia/Lord_Howe");
	let [time, number] = [Date.parse("2026-01-01T00:00:00Z"), 0];
	while (time < Date.parse("2027-01-01T00:00:00Z")) {
		const next = calendar.next(time);
		assert.ok(next !== undefined && next > time && next - time <= 3 * 3_600_000);
		time = next;
		number += 1;
	}
	assert.ok(Math.abs(number - 365 * 12) <= 1, `${number} times`);
});

test("what is no five fields or no zone is refused with what can be written instead", () => {
	const bad = [
		"0 0 31 2 *",
		"",
		"* * * *",
		"61 * * * *",
		"0 3 * * * *",
		"0 25 * * *",
		"a b c d e",
		"0 3 * * 9",
		"@daily",
	];
	for (const pattern of bad) {
		assert.throws(
			() => readCalendar(pattern, "UTC"),
			(error) => error instanceof OperationError && error.code === "schedule-invalid",
			pattern,
		);
	}
	assert.throws(() => readCalendar("0 3 * * *", "Mars/Olympus"), /no time zone/);
});
