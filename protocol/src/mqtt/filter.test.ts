import assert from "node:assert/strict";
import test from "node:test";
import { matchesFilter } from "./filter.ts";

test("a filter matches as MQTT says", () => {
	const matches = [
		["a/b", "a/b"],
		["a/+", "a/b"],
		["a/+/c", "a/b/c"],
		["a/#", "a"],
		["a/#", "a/b/c"],
		["#", "a/b"],
		["+/+", "/a"],
		["$SYS/#", "$SYS/x"],
	] as const;
	for (const [filter, topic] of matches) assert.ok(matchesFilter(filter, topic), `${filter} ${topic}`);
});

test("a filter does not match more than MQTT says", () => {
	const others = [
		["a/b", "a/b/c"],
		["a/b/c", "a/b"],
		["a/+", "a"],
		["a/+", "a/b/c"],
		["+", "/a"],
		["#", "$SYS/x"],
		["+/x", "$SYS/x"],
		["a/b", "A/b"],
	] as const;
	for (const [filter, topic] of others) assert.ok(!matchesFilter(filter, topic), `${filter} ${topic}`);
});
