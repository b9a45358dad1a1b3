import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ResourceId } from "@davit/protocol";
import { addSchedule } from "../desk/schedules.ts";
import type { NewSchedule } from "../desk.ts";
import { archive, backupResult, grafana, nas, operator, Stage, startMs } from "../testing/stage.ts";

const other = ResourceId.parse("volume:other");
const hourMs = 3_600_000;

function add(stage: Stage, change: Partial<NewSchedule> = {}): void {
	addSchedule(
		stage.core.parts,
		{ name: "nightly", target: "nas/*", cron: "0 3 * * *", timeZone: "UTC", jitterSeconds: 0, ...change },
		operator,
	);
}

function finish(stage: Stage): void {
	for (const { id, operation } of stage.runCommands()) {
		const result = operation.endsWith("backup")
			? { result: backupResult("0123456789", stage.nowMs) }
			: { result: { removed: [], kept: 1 } };
		stage.report(id, { state: "succeeded", sequence: 1, ...result });
	}
}

test("everything on a host is backed up when it is due, once a due time", () => {
	using stage = new Stage();
	stage.host(nas, [grafana, other]);
	add(stage);
	assert.equal(stage.status()?.["nextDueAt"], "2026-11-23T03:00:00.000Z");
	stage.jump(15 * 3600 - 1);
	assert.equal(stage.begun().length, 0);
	stage.jump(1);
	const due = stage.begun().map(({ resource }) => resource);
	assert.deepEqual(due.sort(), [grafana, other]);
	finish(stage);
	stage.pass(30);
	assert.equal(stage.begun().length, 2);
	assert.equal(stage.status()?.["nextDueAt"], "2026-11-24T03:00:00.000Z");
});

test("a coordinator that was away for a week catches up once", () => {
	const folder = mkdtempSync(join(tmpdir(), "davit-due-"));
	const file = join(folder, "history.sqlite");
	try {
		{
			using stage = new Stage({ file });
			stage.host(nas);
			add(stage);
		}
		const weekMs = 7 * 24 * hourMs;
		using stage = new Stage({ file, nowMs: startMs + weekMs, steady: { since: "first boot", ms: weekMs } });
		stage.host(nas);
		stage.pass(5);
		assert.equal(stage.begun().length, 1);
		finish(stage);
		stage.pass(60);
		assert.equal(stage.begun().length, 1);
		assert.equal(stage.core.parts.schedules.find("nightly")?.record.nextDueAt, "2026-11-30T03:00:00.000Z");
	} finally {
		rmSync(folder, { recursive: true });
	}
});

test("two scheduled runs at a time work on a host, and all of them come to their turn", () => {
	using stage = new Stage();
	const volumes = Array.from({ length: 7 }, (_, index) => ResourceId.parse(`volume:v${index}`));
	stage.host(nas, volumes);
	add(stage);
	stage.jump(15 * 3600);
	const rounds: number[] = [];
	for (let round = 0; round < 5; round += 1) {
		rounds.push(stage.begun().length);
		finish(stage);
		stage.pass(1);
	}
	assert.deepEqual(rounds, [2, 4, 6, 7, 7]);
});

test("a resource that is held by another operation is backed up after it", () => {
	using stage = new Stage();
	stage.host(nas);
	const kept = archive(stage.nowMs);
	stage.archives(nas, grafana, [kept]);
	add(stage);
	stage.jump(15 * 3600 - 1);
	stage.ask({ operation: "volume.verify", params: { volume: "grafana-data", archive: kept.id } });
	stage.pass(5);
	assert.deepEqual(
		stage.begun().map(({ operation }) => operation),
		["volume.verify"],
	);
	stage.report(stage.lastCommand().id, { state: "succeeded", sequence: 1 });
	stage.pass(2);
	assert.equal(stage.lastCommand().operation, "volume.backup");
});

test("after a good scheduled backup older archives go, and after a failed one none do", () => {
	using stage = new Stage();
	stage.host(nas);
	add(stage, { keepLast: 3 });
	stage.jump(15 * 3600);
	finish(stage);
	assert.equal(stage.lastCommand().operation, "volume.prune");
	assert.deepEqual(stage.lastCommand().params, { volume: "grafana-data", policy: { last: 3 } });
	stage.report(stage.lastCommand().id, { state: "succeeded", sequence: 1 });
	stage.pass(1);
	stage.jump(24 * 3600);
	const { id, operation } = stage.lastCommand();
	assert.equal(operation, "volume.backup");
	stage.report(id, { state: "failed", sequence: 1 });
	stage.pass(5);
	assert.equal(stage.lastCommand().operation, "volume.backup");
});

test("overdue comes three hours after the due time, or after a tenth of the interval if that is more", () => {
	using stage = new Stage();
	stage.host(nas);
	stage.archives(nas, grafana, [archive(stage.nowMs - hourMs)]);
	add(stage);
	stage.presence(nas, "offline");
	stage.jump(18 * 3600 - 20);
	stage.pass(10);
	assert.equal(stage.status()?.["overdue"], false);
	stage.pass(20);
	assert.equal(stage.status()?.["overdue"], true);
	stage.archives(nas, grafana, [archive(stage.nowMs)]);
	assert.equal(stage.status()?.["overdue"], false);
});

test("a weekly backup is overdue after a tenth of a week, and a partial one does not count", () => {
	using stage = new Stage();
	stage.host(nas);
	stage.archives(nas, grafana, [archive(stage.nowMs - hourMs)]);
	// The next Monday, 03:00, is 15 hours away; a tenth of a week is 16.8 hours.
	add(stage, { cron: "0 3 * * 1" });
	stage.presence(nas, "offline");
	stage.jump(31 * 3600);
	stage.archives(nas, grafana, [archive(stage.nowMs, { outcome: "partial" }), archive(startMs - hourMs)]);
	stage.pass(11);
	assert.equal(stage.status()?.["overdue"], false);
	stage.jump(0.8 * 3600);
	stage.pass(11);
	assert.equal(stage.status()?.["overdue"], true);
});

test("jitter moves the beginning and not the due time", () => {
	const draws = [0.5];
	using stage = new Stage({ random: () => draws.shift() ?? Math.random() });
	stage.host(nas);
	add(stage, { jitterSeconds: 600 });
	stage.jump(15 * 3600 + 290);
	assert.equal(stage.begun().length, 0);
	stage.pass(12);
	assert.equal(stage.begun().length, 1);
	assert.equal(stage.core.parts.schedules.find("nightly")?.record.lastDueAt, "2026-11-23T03:00:00.000Z");
});

test("a schedule that cannot be is refused with what to write instead", () => {
	using stage = new Stage();
	stage.host(nas);
	add(stage);
	assert.throws(() => add(stage), /already/);
	assert.throws(() => add(stage, { name: "a b" }), /cannot be called/);
	assert.throws(() => add(stage, { name: "b", target: "nas" }), /is a host/);
	assert.throws(() => add(stage, { name: "b", target: "nsa/*" }), /no host is called nsa/);
	assert.throws(() => add(stage, { name: "b", target: "nas/grafana-dat" }), /no resource/);
	assert.throws(() => add(stage, { name: "b", jitterSeconds: -1 }), /jitter/);
	assert.throws(() => add(stage, { name: "b", keepLast: 0 }), /keep/);
	assert.throws(() => add(stage, { name: "b", cron: "0 0 31 2 *" }), /cannot be read/);
});
