import assert from "node:assert/strict";
import { test } from "node:test";
import { instantOf } from "@davit/protocol";
import { addSchedule } from "../desk/schedules.ts";
import { archive, backupResult, grafana, nas, operator, Stage } from "../testing/stage.ts";

const hourS = 3600;
const dayS = 24 * hourS;
const tenYearsS = 3653 * dayS;

function open(random = Math.random, jitterSeconds = 0): Stage {
	const stage = new Stage({ random });
	stage.host(nas);
	const wanted = { name: "nightly", target: "nas/*", cron: "0 3 * * *", timeZone: "UTC", jitterSeconds };
	addSchedule(stage.core.parts, wanted, operator);
	return stage;
}

function finish(stage: Stage): void {
	for (const { id, operation } of stage.begun()) {
		if (!operation.endsWith("backup")) continue;
		stage.report(id, { state: "succeeded", sequence: 1, result: backupResult("0123456789", stage.nowMs) });
	}
}

function dueOf(stage: Stage): string | null | undefined {
	return stage.core.parts.schedules.find("nightly")?.record.nextDueAt;
}

for (const [name, stepS] of [
	["ahead", tenYearsS],
	["behind", -tenYearsS],
] as const) {
	test(`F21 a clock that is ten years ${name} for an hour and right again fires a schedule once a day`, () => {
		using stage = open();
		stage.jump(15 * hourS);
		finish(stage);
		assert.equal(stage.begun().length, 1);
		stage.jump(hourS + stepS);
		finish(stage);
		stage.pass(60);
		// A clock that is ahead looks like ten years away: one catch-up.
		const atStep = stage.begun().length;
		assert.ok(atStep <= 2, `${atStep} runs at the step`);
		stage.jump(hourS - stepS);
		stage.pass(60);
		finish(stage);
		const before = stage.begun().length;
		assert.ok(before <= 2, `${before} runs when it was right again`);
		for (let day = 1; day <= 3; day += 1) {
			stage.jump(dayS);
			stage.pass(2);
			finish(stage);
			const expected = before + day;
			assert.ok(
				Math.abs(stage.begun().length - expected) <= 1,
				`${stage.begun().length} runs after ${day} days`,
			);
		}
		assert.ok((dueOf(stage) ?? "") < instantOf(stage.nowMs + dayS * 1000), `next is ${dueOf(stage)}`);
	});
}

test("F21 a clock that is set back an hour runs no due time twice", () => {
	using stage = open();
	stage.jump(15 * hourS);
	finish(stage);
	stage.jump(-2 * hourS);
	stage.pass(5);
	stage.jump(2 * hourS);
	stage.pass(5);
	assert.equal(stage.begun().length, 1);
	assert.equal(dueOf(stage), "2026-11-24T03:00:00.000Z");
});

test("F21 an archive that is dated in the future keeps no resource from being overdue", () => {
	using stage = open();
	stage.archives(nas, grafana, [archive(stage.nowMs + tenYearsS * 1000), archive(stage.nowMs)]);
	stage.presence(nas, "offline");
	stage.jump(15 * hourS + 3 * hourS + 60);
	assert.equal(stage.status()?.["overdue"], true);
});

test("F22 jitter skips no due time, however long it is, and a missed week is caught up once", () => {
	using stage = open(() => 0.9 + Math.random() * 0.0999, 6 * hourS);
	for (let day = 0; day < 5; day += 1) {
		stage.jump(dayS);
		stage.pass(2);
		finish(stage);
	}
	assert.equal(stage.begun().length, 5);
	stage.jump(7 * dayS);
	stage.pass(30);
	finish(stage);
	assert.equal(stage.begun().length, 6);
});
