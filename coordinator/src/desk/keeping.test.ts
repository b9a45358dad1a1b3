import assert from "node:assert/strict";
import { test } from "node:test";
import { type ArchiveSummary, instantOf, OperationError, type RetentionPolicy } from "@davit/protocol";
import { resourceDocument, scheduleDocument } from "../documents/details.ts";
import { archive, backupResult, grafana, nas, operator, Stage, startMs } from "../testing/stage.ts";
import { editSchedule, pauseSchedule } from "./edit-schedule.ts";
import { addSchedule } from "./schedules.ts";
import { simulate } from "./simulate.ts";

const dayMs = 86_400_000;

function open(count: number, policy?: RetentionPolicy, more: object = {}): Stage {
	const stage = new Stage();
	stage.host(nas);
	const archives = Array.from({ length: count }, (_, index) =>
		archive(startMs - (count - 1 - index) * dayMs, {
			sequence: index + 1,
			...more,
		} as Partial<ArchiveSummary>),
	);
	stage.archives(nas, grafana, archives.toReversed());
	add(stage, { name: "nightly", confirm: "nightly", ...(policy === undefined ? {} : { policy }) });
	return stage;
}

function add(stage: Stage, wanted: { name: string; policy?: RetentionPolicy; confirm?: string }): void {
	const times = { target: "nas/*", cron: "0 3 * * *", timeZone: "UTC", jitterSeconds: 0 };
	addSchedule(stage.core.parts, { ...times, ...wanted }, operator);
}

function edit(stage: Stage, policy: RetentionPolicy | null, confirm = "") {
	return editSchedule(stage.core.parts, { name: "nightly", change: { policy }, confirm }, operator);
}

test("a simulation says what goes today and what is left in days to come, with reasons", () => {
	using stage = open(20, { daily: 7, weekly: 4 });
	const { today, resources, end, more } = simulate(stage.core.parts, { of: "nightly", days: 30 });
	assert.deepEqual([today.removes, today.freesBytes, more], [10, 100, 0]);
	const [resource] = resources;
	assert.deepEqual(
		resource?.today.slice(0, 2).map(({ kept, reasons }) => [kept, reasons]),
		[
			[true, ["daily", "weekly", "newest-good"]],
			[true, ["daily"]],
		],
	);
	assert.deepEqual(resource?.days[0], {
		...{ date: "2026-11-23", taken: 1, kept: 9, waiting: 12, removed: 0, bytes: 210 },
	});
	assert.equal(resource?.days.length, 30);
	assert.ok((resource?.days[7]?.removed ?? 0) > 0, "what was marked went after its grace");
	assert.equal(end.kept, resource?.end.filter(({ kept }) => kept).length);
	// Nothing of it was done.
	assert.equal(stage.begun().length, 0);
});

test("another policy can be tried on a schedule and on an address", () => {
	using stage = open(20, { last: 20 });
	const tried = simulate(stage.core.parts, { of: "nightly", days: 1, policy: { last: 5 } });
	assert.equal(tried.today.removes, 15);
	const address = simulate(stage.core.parts, { of: `nas/${grafana}`, days: 1, policy: { last: 4 } });
	assert.equal(address.today.removes, 16);
	assert.deepEqual(scheduleDocument(stage.core.parts, "nightly").row.policy, { last: 20 });
});

test("what no policy covers, or is no schedule, cannot be simulated", () => {
	using stage = open(3);
	const refused = { nightly: "schedule-invalid", nas: "schedule-invalid", "nas/other": "resource-not-found" };
	for (const [of, code] of Object.entries(refused)) {
		assert.throws(() => simulate(stage.core.parts, { of, days: 90 }), withCode(code), of);
	}
	for (const days of [0, -1, 1.5, 4000, Number.NaN]) {
		const wanted = { of: "nightly", days, policy: { last: 1 } };
		assert.throws(() => simulate(stage.core.parts, wanted), withCode("schedule-invalid"), String(days));
	}
});

test("a policy that lets archives go needs the schedule's name, one that keeps more does not", () => {
	using stage = open(10, { last: 10 });
	assert.throws(() => edit(stage, { last: 4 }), withCode("confirmation-missing"));
	assert.throws(() => edit(stage, { last: 4 }, "daily"), withCode("confirmation-missing"));
	assert.deepEqual(edit(stage, { last: 20 }).row.policy, { last: 20 });
	assert.deepEqual(edit(stage, { last: 4 }, "nightly").row.policy, { last: 4 });
	assert.equal(edit(stage, null).row.policy, null);
	assert.throws(() => add(stage, { name: "weekly", policy: { last: 1 } }), withCode("confirmation-missing"));
	// Each schedule keeps what it keeps: another one that keeps less lets nothing go.
	edit(stage, { last: 10 });
	add(stage, { name: "weekly", policy: { last: 1 } });
	assert.deepEqual(resourceDocument(stage.core.parts, nas, grafana).row.policy, { last: 10 });
});

test("a policy that cannot be used is refused and changes nothing", () => {
	using stage = open(10, { last: 10 });
	const bad = [
		{},
		{ last: 0 },
		{ minimumGood: 3 },
		{ daily: 1.5 },
		{ daily: -1 },
		{ last: 3, timeZone: "Mars" },
	];
	for (const policy of bad) {
		assert.throws(() => edit(stage, policy, "nightly"), withCode("schedule-invalid"), JSON.stringify(policy));
	}
	assert.deepEqual(scheduleDocument(stage.core.parts, "nightly").row.policy, { last: 10 });
});

test("a paused schedule begins nothing, and goes on with its next time when it is resumed", () => {
	using stage = open(1);
	pauseSchedule(stage.core.parts, { name: "nightly", isPaused: true }, operator);
	stage.jump(5 * 86_400);
	assert.equal(stage.begun().length, 0);
	pauseSchedule(stage.core.parts, { name: "nightly", isPaused: false }, operator);
	stage.pass(5);
	assert.equal(stage.begun().length, 0, "what was missed is not caught up");
	stage.jump(86_400);
	assert.equal(stage.begun().length, 1);
});

test("F35 a hold that Davit set makes the resource need a person, and archives say that they are held", () => {
	using stage = open(4, { last: 2 });
	const because = "backup 0123456789 is suspicious: it has 1 entries where 22 were usual";
	const hold = { since: instantOf(startMs), because, isAutomatic: true };
	stage.receive(stage.topics.resourceState(nas, grafana), {
		...{ version: 1, host: nas, resource: grafana, lastGoodBackup: null, archives: 4, activity: null },
		...{ undo: null, hold, at: instantOf(startMs) },
	});
	const { row, archives } = resourceDocument(stage.core.parts, nas, grafana);
	assert.equal(row.state, "inconsistent");
	assert.match(row.because, /it has 1 entries where 22 were usual.*davit release nas\/volume:grafana-data/);
	assert.ok(archives.every(({ keptBecause }) => keptBecause.includes("held")));
	assert.equal(simulate(stage.core.parts, { of: "nightly", days: 30 }).today.removes, 0);
});

test("retention that did not run although it should is told of", () => {
	using stage = open(1, { last: 3 });
	stage.jump(15 * 3600);
	const [backup] = stage.begun();
	const result = backupResult("0123456789", stage.nowMs);
	stage.report(backup?.id ?? assert.fail(), { state: "succeeded", sequence: 1, result });
	stage.archives(nas, grafana, [archive(stage.nowMs)]);
	const state = () => resourceDocument(stage.core.parts, nas, grafana).row;
	stage.report(stage.lastCommand().id, { state: "cancelled", sequence: 1 });
	assert.equal(state().state, "safe");
	stage.jump(2 * 3600 + 60);
	assert.equal(state().state, "partial");
	assert.match(state().because, /retention after backup r\w+ is cancelled/);
});

function withCode(code: string) {
	return (error: unknown) => error instanceof OperationError && error.code === code;
}
