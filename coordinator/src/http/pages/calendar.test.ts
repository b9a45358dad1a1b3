import assert from "node:assert/strict";
import { test } from "node:test";
import { ArchiveId, Bytes, Instant, type KeptReason, RetentionPolicy } from "@davit/protocol";
import { htmlText } from "../html.ts";
import { calendar } from "./calendar.ts";

let made = 0;

function taken(at: string, reasons: readonly KeptReason[], isToCome = false) {
	made += 1;
	return {
		id: isToCome ? null : ArchiveId.parse(made.toString(16).padStart(10, "0")),
		...{ takenAt: Instant.parse(at), bytes: Bytes.parse(10), goesAt: null },
		...{ kept: reasons.length > 0, reasons: [...reasons] },
	};
}

/** Each day that has an archive, as `day sign words`. */
function daysOf(html: string): string[] {
	const cells = html.matchAll(/<td title="([^"]*)">(\d+) <span aria-hidden="true">(.)<\/span>/g);
	return [...cells].map(([, words, day, sign]) => `${day} ${sign} ${words}`);
}

test("the calendar shows on each day what stays and why, what goes, and what is to come", () => {
	const today = [
		taken("2026-11-22T03:00:00.000Z", ["last", "daily"]),
		taken("2026-11-21T03:00:00.000Z", []),
		taken("2026-11-20T05:00:00.000Z", []),
		taken("2026-11-20T03:00:00.000Z", ["daily", "weekly"]),
		taken("2026-10-01T03:00:00.000Z", ["pinned"]),
	];
	const toCome = taken("2026-11-30T03:00:00.000Z", ["monthly"], true);
	const resource = {
		address: "nas/volume:x",
		policy: RetentionPolicy.parse({ daily: 3 }),
		heldBecause: null,
	};
	const wanted = { ...resource, today, days: [], end: [...today, toCome] };
	const text = htmlText(calendar(wanted, Instant.parse("2026-12-01T00:00:00.000Z")));
	assert.deepEqual(daysOf(text), [
		"1 ◫ 1 kept: pinned",
		"20 ▣ 1 kept: daily, weekly; 1 removed",
		"21 ✕ 1 removed",
		"22 ▢ 1 kept: last, daily",
		"30 ▣ 1 kept: monthly",
	]);
	const weeks = [...text.matchAll(/week of <\/span>([^<]+)/g)].map(([, monday]) => monday);
	assert.deepEqual(weeks, ["28 Sept", "16 Nov", "30 Nov"], "weeks without an archive are left out");
});

test("the calendar's days are those of the policy's time zone", () => {
	const policy = RetentionPolicy.parse({ daily: 3, timeZone: "Pacific/Auckland" });
	const today = [taken("2026-11-22T13:00:00.000Z", ["daily"])];
	const wanted = { address: "nas/volume:x", policy, heldBecause: null, today, days: [], end: today };
	const text = htmlText(calendar(wanted, Instant.parse("2026-12-01T00:00:00.000Z")));
	assert.deepEqual(daysOf(text), ["23 ▢ 1 kept: daily"]);
});
