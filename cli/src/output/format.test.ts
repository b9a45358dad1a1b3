import assert from "node:assert/strict";
import test from "node:test";
import { formatBytes, formatRelative, formatSeconds } from "./format.ts";
import { formatTable, plain } from "./table.ts";

test("sizes have three digits and never a thousand of a unit", () => {
	const sizes = [0, 999, 1000, 1_500_000, 812_000_000, 999_950, 999_600_000, 5e12].map(formatBytes);
	assert.deepEqual(sizes, ["0 B", "999 B", "1.00 kB", "1.50 MB", "812 MB", "1.00 MB", "1.00 GB", "5.00 TB"]);
});

test("durations are told in at most two units", () => {
	const spans = [0.04, 4.44, 59.4, 125, 3600, 11_520, 262_800].map(formatSeconds);
	assert.deepEqual(spans, ["0 s", "4.4 s", "59 s", "2 min 5 s", "1 h", "3 h 12 min", "3 d 1 h"]);
});

test("times are told from now, before and after", () => {
	const now = Date.parse("2026-11-22T14:00:00.000Z");
	assert.equal(formatRelative("2026-11-22T13:57:00.000Z", now), "3 min ago");
	assert.equal(formatRelative("2026-11-22T16:00:00.000Z", now), "in 2 h");
	assert.equal(formatRelative("2026-11-22T14:00:00.400Z", now), "now");
});

test("a table's columns stand under each other, whatever their colour", () => {
	const text = formatTable(
		["A", "B"],
		[
			["\u001b[31mred\u001b[39m", "x"],
			["longer", "y"],
		],
	);
	assert.deepEqual(text.split("\n"), ["A       B", "\u001b[31mred\u001b[39m     x", "longer  y"]);
});

test("a name with control characters cannot move the cursor or make a line of its own", () => {
	assert.equal(plain("a\u001b[2Jb\nc\u0007"), "a [2Jb c ");
});
