import assert from "node:assert/strict";
import { test } from "node:test";
import { readCalendar } from "./cron.ts";

const dayMs = 86_400_000;
const [fromMs, toMs] = [Date.UTC(2010, 0, 1), Date.UTC(2030, 0, 1)];
/** Both hemispheres, half hours, a change at midnight, a day left out, changes in Ramadan, zones that gave it up. */
const zones = [
	...[
		"Europe/Berlin",
		"Europe/London",
		"Europe/Dublin",
		"Europe/Moscow",
		"Europe/Istanbul",
		"Europe/Chisinau",
	],
	...["America/New_York", "America/Sao_Paulo", "America/Havana", "America/Caracas", "America/St_Johns"],
	...[
		"America/Santiago",
		"America/Asuncion",
		"America/Scoresbysund",
		"America/Mexico_City",
		"Atlantic/Azores",
	],
	...[
		"Asia/Tehran",
		"Asia/Beirut",
		"Asia/Gaza",
		"Asia/Amman",
		"Asia/Pyongyang",
		"Asia/Kathmandu",
		"Asia/Damascus",
	],
	...["Africa/Casablanca", "Africa/Cairo", "Africa/Juba", "Australia/Lord_Howe", "Australia/Sydney"],
	...["Pacific/Apia", "Pacific/Auckland", "Pacific/Chatham", "Pacific/Fiji", "Antarctica/Troll", "UTC"],
];

/** The clocks of a zone, read by other means than the calendar's. */
function clockOf(timeZone: string): (atMs: number) => string {
	const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" });
	return (atMs) => format.format(atMs);
}

for (const [hour, minute] of [
	[2, 30],
	[0, 15],
] as const) {
	const time = `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
	test(`F22 over 20 years of ${zones.length} zones ${time} comes exactly once each day, in both directions of the change`, (t) => {
		let [left, twice] = [0, 0];
		for (const zone of zones) {
			const calendar = readCalendar(`${minute} ${hour} * * *`, zone);
			const clock = clockOf(zone);
			const seen: number[] = [];
			for (let at = calendar.next(fromMs); at !== undefined && at < toMs; at = calendar.next(at))
				seen.push(at);
			const first = seen[0] ?? assert.fail(zone);
			const firstDay = Date.parse(`${clock(first).slice(0, 10)}T00:00Z`) / dayMs;
			seen.forEach((at, index) => {
				const date = new Date((firstDay + index) * dayMs).toISOString().slice(0, 10);
				const slot = `${date} ${time}`;
				if (clock(at) !== slot) {
					left += 1;
					// The clocks went from before it to after it in that very minute.
					assert.ok(clock(at - 60_000) < slot && clock(at) > slot, `${zone}: ${clock(at)} for ${slot}`);
					return;
				}
				if (isQuietDay(seen, index)) return;
				if (isRepeatedFrom(at, slot, clock)) twice += 1;
				for (const hours of [0.5, 1, 2]) {
					assert.notEqual(clock(at - hours * 3_600_000), slot, `${zone}: not the first ${slot}`);
				}
			});
			const days = Math.round((toMs - fromMs) / dayMs);
			assert.ok(Math.abs(seen.length - days) <= 1, `${zone}: ${seen.length} times in ${days} days`);
		}
		t.diagnostic(`${left} left out and ${twice} repeated by a change`);
		assert.ok(left > 0 && twice > 0, "no change touched it");
	});
}

/** As long before as after: no change was near. */
function isQuietDay(seen: readonly number[], index: number): boolean {
	return [index, index + 1].every((one) => (seen[one] ?? 0) - (seen[one - 1] ?? 0) === dayMs);
}

function isRepeatedFrom(atMs: number, slot: string, clock: (atMs: number) => string): boolean {
	return [0.5, 1, 2].some((hours) => clock(atMs + hours * 3_600_000) === slot);
}
