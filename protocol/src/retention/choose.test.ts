import assert from "node:assert/strict";
import { test } from "node:test";
import { ArchiveId, Instant, instantOf } from "../vocabulary.ts";
import { chooseKept } from "./choose.ts";
import { turnRetention } from "./mark.ts";
import type { Keepable } from "./order.ts";
import { parsePolicy, type RetentionPolicy } from "./policy.ts";

const dayMs = 86_400_000;
const nowMs = Date.parse("2026-11-22T12:00:00Z");

interface Change {
	readonly at?: string;
	readonly pinned?: boolean;
	readonly drilled?: boolean;
	readonly proof?: Keepable["proof"];
	readonly outcome?: Keepable["outcome"];
	readonly damaged?: boolean;
}

/** One archive a day before `nowMs`: number 1 is the oldest of `count`. */
function daily(count: number, changes: Readonly<Record<number, Change>> = {}): Keepable[] {
	return Array.from({ length: count }, (_, index) => {
		const number = index + 1;
		const { at, pinned, drilled, ...change } = changes[number] ?? {};
		return {
			id: id(number),
			sequence: number,
			takenAt: at === undefined ? instantOf(nowMs - (count - number) * dayMs) : Instant.parse(at),
			proof: drilled === true ? ["taken", "verified", "drilled"] : ["taken", "verified"],
			outcome: "succeeded",
			damaged: false,
			...(pinned === true ? { pinnedAt: instantOf(nowMs) } : {}),
			...change,
		};
	});
}

function id(number: number): ArchiveId {
	return ArchiveId.parse(String(number).padStart(10, "0"));
}

function kept(archives: readonly Keepable[], policy: RetentionPolicy, more = {}): Record<number, string> {
	const decisions = chooseKept(archives, policy, { nowMs, ...more });
	return Object.fromEntries(
		decisions
			.filter(({ isKept }) => isKept)
			.map(({ archive, reasons }) => [Number(archive.id), reasons.join(" ")]),
	);
}

test("each rule keeps the newest of its periods and says so", () => {
	assert.deepEqual(kept(daily(20), { last: 1, daily: 3, weekly: 2 }), {
		20: "last daily weekly newest-good",
		19: "daily",
		18: "daily",
		// 2026-11-22 is a Sunday, so the week before ended on the 15th.
		13: "weekly",
	});
});

test("months are those of the zone's clocks", () => {
	const archives = daily(3, {
		1: { at: "2026-10-31T23:30:00.000Z" },
		2: { at: "2026-10-31T23:45:00.000Z" },
	});
	assert.deepEqual(kept(archives, { monthly: 2 }), { 2: "monthly", 3: "monthly newest-good" });
	// In Berlin all are of November, so the oldest of all fills the second month.
	const timeZone = "Europe/Berlin";
	assert.deepEqual(kept(archives, { monthly: 2, timeZone }), { 1: "monthly", 3: "monthly newest-good" });
});

test("the newest good and the newest drilled archive stay, and pinned ones, and the floor", () => {
	const archives = daily(9, { 2: { pinned: true }, 3: { drilled: true }, 4: { drilled: true } });
	assert.deepEqual(kept(archives, { last: 1, minimumGood: 5 }), {
		9: "last newest-good",
		8: "floor",
		7: "floor",
		4: "newest-drilled",
		2: "pinned",
	});
});

test("a hold keeps everything", () => {
	assert.equal(Object.keys(kept(daily(9), { last: 1 }, { isHeld: true })).length, 9);
});

test("what is not verified, partial or damaged does not count", () => {
	const archives = daily(8, {
		1: { damaged: true },
		2: {},
		3: { outcome: "partial" },
		4: {},
		5: { proof: ["taken"] },
		6: { damaged: true },
		7: {},
		8: { outcome: "partial" },
	});
	assert.deepEqual(kept(archives, { last: 2 }), {
		8: "newer-than-good",
		7: "last newest-good",
		6: "damaged",
		5: "not-verified",
		4: "last",
	});
});

test("partial ones do not fill the disk while nothing good comes", () => {
	const archives = daily(
		30,
		Object.fromEntries(range(2, 30).map((number) => [number, { outcome: "partial" }])),
	);
	assert.deepEqual(Object.keys(kept(archives, { last: 3 })).map(Number), [1, 28, 29, 30]);
});

test("within counts back from the newest good archive, however long ago that was", () => {
	const archives = daily(40, { 40: { outcome: "partial" } });
	const wanted = [...range(30, 39), 40];
	for (const moment of [nowMs, nowMs + 3650 * dayMs]) {
		const now = kept(archives, { withinSeconds: 10 * 86_400 }, { nowMs: moment });
		assert.deepEqual(Object.keys(now).map(Number), wanted);
	}
});

test("archives dated in the future push none out, and stay until someone looks", () => {
	const future = { 41: { at: "2036-11-23T12:00:00.000Z" }, 42: { at: "2036-11-24T12:00:00.000Z" } };
	const archives = daily(42, future);
	const before = kept(daily(42).slice(0, 40), { daily: 7, withinSeconds: 864_000 });
	const after = kept(archives, { daily: 7, withinSeconds: 864_000 });
	assert.equal(after[42], "newest-good odd-date");
	for (const number of Object.keys(before).map(Number)) assert.ok(after[number], `${number} went`);
});

test("a clock that is ten years ahead or behind while retention runs lets nothing more go", () => {
	const policy = { daily: 7, monthly: 3, withinSeconds: 30 * 86_400 };
	const archives = daily(60);
	const wanted = Object.keys(kept(archives, policy));
	for (const years of [-10, 10]) {
		const now = kept(archives, policy, { nowMs: nowMs + years * 365 * dayMs });
		for (const number of wanted) assert.ok(now[Number(number)], `${number} went`);
	}
});

test("what goes is marked first, can be kept again, and goes when its grace was served", () => {
	const policy = { last: 2, graceSeconds: 100 };
	const decisions = chooseKept(daily(4), policy, { nowMs });
	const marked = turnRetention(decisions, new Map(), { policy, servedMs: 5_000 });
	assert.deepEqual(marked, { mark: [id(1), id(2)], unmark: [], remove: [] });
	const marks = new Map([id(1), id(2), id(3)].map((one) => [one as string, 5_000]));
	assert.deepEqual(turnRetention(decisions, marks, { policy, servedMs: 104_999 }), {
		mark: [],
		unmark: [id(3)],
		remove: [],
	});
	const over = turnRetention(decisions, marks, { policy, servedMs: 105_000 });
	assert.deepEqual(over.remove, [id(1), id(2)]);
});

test("a policy is read from a line, and what cannot be used is named", () => {
	assert.deepEqual(parsePolicy("last=3, daily=7,within=30d,minimum-good=2,zone=Europe/Berlin,grace=1d"), {
		last: 3,
		daily: 7,
		withinSeconds: 30 * 86_400,
		minimumGood: 2,
		timeZone: "Europe/Berlin",
		graceSeconds: 86_400,
	});
	const bad = {
		"": /'' is no rule/,
		"daily=0": /would keep nothing/,
		"minimum-good=3": /would keep nothing/,
		"daily=-1": /'daily' cannot be '-1'/,
		"daily=1.5": /'daily' cannot be '1\.5'/,
		"daily=99999": /daily: /,
		"within=soon": /'within' cannot be 'soon'/,
		"daily=7,zone=Mars/Base": /no such time zone/,
		"daily=7,daily=8": /given twice/,
		"fortnightly=2": /is no rule/,
	};
	for (const [text, message] of Object.entries(bad)) {
		assert.throws(() => parsePolicy(text), { name: "RangeError", message }, text);
	}
});

function range(from: number, to: number): number[] {
	return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}
