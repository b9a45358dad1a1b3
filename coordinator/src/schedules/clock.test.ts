import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { instantOf, ResourceId } from "@davit/protocol";
import { numbersFrom, seedOf } from "@davit/protocol/testing/seed.ts";
import { addSchedule } from "../desk/schedules.ts";
import type { NewSchedule } from "../desk.ts";
import { archive, backupResult, grafana, nas, operator, Stage } from "../testing/stage.ts";

const hourS = 3600;
const dayS = 24 * hourS;
const tenYearsS = 3653 * dayS;

function wanted(jitterSeconds: number): NewSchedule {
	return { name: "nightly", target: "nas/*", cron: "0 3 * * *", timeZone: "UTC", jitterSeconds };
}

function open(random = Math.random, jitterSeconds = 0, file = ":memory:"): Stage {
	const stage = new Stage({ random, file });
	stage.host(nas);
	addSchedule(stage.core.parts, wanted(jitterSeconds), operator);
	return stage;
}

/** The next 03:00 after a moment. */
function dueAfter(atMs: number): number {
	const threeMs = 3 * hourS * 1000;
	return (Math.floor((atMs - threeMs) / (dayS * 1000)) + 1) * dayS * 1000 + threeMs;
}

function finish(stage: Stage): void {
	for (const { id, operation } of stage.begun()) {
		if (!operation.endsWith("backup")) continue;
		stage.report(id, { state: "succeeded", sequence: 1, result: backupResult("0123456789", stage.nowMs) });
	}
}

/** The same for many runs: what is open ends well, and is counted. */
function settle(stage: Stage, begun: Set<string>): void {
	for (const { command } of stage.core.parts.runs.open()) {
		begun.add(command);
		const result = backupResult("0123456789", stage.nowMs);
		stage.report(command, { state: "succeeded", sequence: 1, result });
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
		stage.jump(hourS);
		stage.setClock(stepS);
		stage.pass(60);
		assert.equal(stage.begun().length, 1, "nothing is caught up for years that did not pass");
		assert.equal(Date.parse(dueOf(stage) ?? "") - stage.nowMs < dayS * 1000, true, "it is not silenced");
		stage.jump(hourS);
		stage.setClock(-stepS);
		stage.pass(60);
		assert.equal(stage.begun().length, 1);
		assert.equal(dueOf(stage), "2026-11-24T03:00:00.000Z");
		for (let day = 1; day <= 3; day += 1) {
			stage.jump(dayS);
			stage.pass(2);
			finish(stage);
			assert.equal(stage.begun().length, 1 + day);
		}
	});

	test(`F21 a clock that stays ten years ${name} brings one run a day, also to a coordinator that is started anew`, () => {
		const folder = mkdtempSync(join(tmpdir(), "davit-clock-"));
		const file = join(folder, "history.sqlite");
		try {
			let after: ConstructorParameters<typeof Stage>[0] = {};
			{
				using stage = open(Math.random, 0, file);
				stage.jump(15 * hourS);
				finish(stage);
				assert.equal(stage.begun().length, 1);
				stage.jump(hourS);
				after = { file, nowMs: stage.nowMs + stepS * 1000, steady: stage.steady };
			}
			using stage = new Stage(after);
			stage.host(nas);
			stage.pass(60);
			assert.equal(stage.begun().length, 0);
			for (let day = 1; day <= 3; day += 1) {
				stage.jump(dayS);
				stage.pass(2);
				finish(stage);
				assert.equal(stage.begun().length, day);
			}
		} finally {
			rmSync(folder, { recursive: true });
		}
	});
}

test("F21 however a clock is set by years, a schedule has one run for each due time that it passes", (t) => {
	const seed = seedOf(t);
	const below = numbersFrom(seed);
	const random = () => below(2 ** 32) / 2 ** 32;
	let sets = 0;
	for (let round = 0; round < 40; round += 1) {
		using stage = open(random);
		let [dues, wrongMs, next] = [0, 0, dueAfter(stage.nowMs)];
		const begun = new Set<string>();
		const history: string[] = [];
		for (let moment = 0; moment < 40; moment += 1) {
			if (random() < 0.2) {
				// Away from the truth by up to ten years either way, or right again; a step of days may be an absence.
				const drawn = wrongMs === 0 || random() < 0.5 ? Math.round((random() * 2 - 1) * tenYearsS) : 0;
				const wrongS = Math.abs(drawn - wrongMs / 1000) > 9 * dayS ? drawn : drawn + 20 * dayS;
				history.push(`set ${wrongS} s wrong`);
				sets += 1;
				stage.setClock(wrongS - wrongMs / 1000);
				wrongMs = wrongS * 1000;
				next = dueAfter(stage.nowMs);
			}
			stage.jump(Math.floor(random() * 10 * hourS));
			if (stage.nowMs >= next) {
				dues += 1;
				next = dueAfter(stage.nowMs);
			}
			settle(stage, begun);
			history.push(`${instantOf(stage.nowMs)}: ${begun.size} runs, next ${dueOf(stage)}`);
			assert.equal(begun.size, dues, `seed ${seed}, round ${round}:\n${history.join("\n")}`);
		}
	}
	assert.ok(sets > 200, `${sets} times the clock was set`);
});

test("F21 a machine that thinks itself in 1970 until its clock is set catches up what it missed, each time", () => {
	const folder = mkdtempSync(join(tmpdir(), "davit-clock-"));
	const file = join(folder, "history.sqlite");
	try {
		let nowMs = 0;
		{
			using stage = open(Math.random, 0, file);
			stage.jump(15 * hourS);
			finish(stage);
			nowMs = stage.nowMs;
		}
		for (const [boot, hoursOff, runs] of [
			["second", 30, 1],
			["third", 2, 0],
			["fourth", 50, 1],
		] as const) {
			nowMs += hoursOff * hourS * 1000;
			using stage = new Stage({ file, nowMs: 60_000, steady: { since: boot, ms: 1000 } });
			stage.host(nas);
			stage.pass(60);
			assert.equal(stage.begun().length, 0, `${boot}: by its clock nothing is due`);
			stage.setClock((nowMs - stage.nowMs) / 1000);
			stage.pass(5);
			finish(stage);
			assert.equal(stage.begun().length, runs, `${boot} boot, after ${hoursOff} h`);
			nowMs = stage.nowMs;
		}
	} finally {
		rmSync(folder, { recursive: true });
	}
});

test("F21 what waits for its turn when the clock is set keeps its turn", () => {
	using stage = new Stage();
	const volumes = Array.from({ length: 5 }, (_, index) => ResourceId.parse(`volume:v${index}`));
	stage.host(nas, volumes);
	for (const [index, volume] of volumes.entries()) {
		const one = { ...wanted(0), name: `nightly-${index}`, target: `nas/${volume}` };
		addSchedule(stage.core.parts, one, operator);
	}
	stage.jump(15 * hourS);
	assert.equal(stage.begun().length, 2);
	stage.setClock(tenYearsS);
	for (let round = 0; round < 4; round += 1) {
		finish(stage);
		stage.pass(1);
	}
	assert.equal(stage.begun().length, 5);
});

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

test("F21 a clock that is set back by days repeats no due time of a weekly schedule, and keeps a nightly one going", () => {
	for (const [cron, runs] of [
		["0 3 * * 1", [1, 1, 2]],
		["0 3 * * *", [4, 6, 13]],
	] as const) {
		using stage = new Stage();
		stage.host(nas);
		addSchedule(stage.core.parts, { ...wanted(0), cron }, operator);
		const begun = new Set<string>();
		const passDays = (days: number): number => {
			for (let part = 0; part < days * 4; part += 1) {
				stage.jump(6 * hourS);
				settle(stage, begun);
			}
			return begun.size;
		};
		// From Sunday noon to Thursday noon, back to Tuesday noon, to Thursday and a week on.
		const seen = [passDays(4)];
		stage.setClock(-2 * dayS);
		seen.push(passDays(2), passDays(7));
		assert.deepEqual(seen, runs, cron);
	}
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
