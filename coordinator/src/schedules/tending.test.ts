import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
	type FailureReport,
	type HostName,
	instantOf,
	RepositoryName,
	type RunCommand,
} from "@davit/protocol";
import { addSchedule, removeSchedule } from "../desk/schedules.ts";
import type { NewSchedule } from "../desk.ts";
import { schedulesDocument } from "../documents/lists.ts";
import { statusDocument } from "../documents/status.ts";
import { archive, attic, backupResult, grafana, nas, operator, Stage, startMs } from "../testing/stage.ts";

const disk = RepositoryName.parse("disk");
const cloud = RepositoryName.parse("cloud");
const path = "/srv/archives";
const hourMs = 3_600_000;
const dayS = 24 * 3600;

function add(stage: Stage, change: Partial<NewSchedule>): void {
	const schedule = { name: "check-disk", target: "nas/disk", cron: "30 4 * * *", timeZone: "UTC" };
	addSchedule(stage.core.parts, { ...schedule, jitterSeconds: 0, ...change }, operator);
}

function host(stage: Stage, name: HostName = nas): void {
	stage.host(name);
	stage.receive(stage.topics.description(name), {
		...{
			version: 1,
			site: "home",
			host: name,
			davit: "0.1.0",
			node: "24",
			platform: "linux",
			publicKey: "a",
		},
		...{ operations: [], capabilities: [], archivesPath: path, archivesFreeBytes: 5 },
		repositories: [disk, cloud].map((one) => ({ name: one, url: "/mnt", passwordFile: "/etc/p" })),
		at: instantOf(stage.nowMs),
	});
}

function asked(stage: Stage): readonly (readonly [string, unknown])[] {
	return stage.begun().map(({ operation, params }) => [operation, params["repository"]] as const);
}

function end(stage: Stage, command: RunCommand, why?: string): void {
	const failure: FailureReport = {
		...{ code: "repository-damaged", message: why ?? "", hint: "h", retryable: false },
	};
	const result = command.operation.endsWith(".backup")
		? backupResult("0123456789", stage.nowMs)
		: { repository: command.params["repository"], part: 1, parts: 10, checkedAt: instantOf(stage.nowMs) };
	const said =
		why === undefined
			? { state: "succeeded" as const, result: { durationMs: 1, ...result } }
			: { state: "failed" as const, failure };
	stage.report(command.id, { sequence: 1, ...said });
}

function row(stage: Stage, name: string) {
	const found = schedulesDocument(stage.core.parts).items.find((one) => one.name === name);
	assert.ok(found !== undefined);
	return found;
}

function needs(stage: Stage): readonly string[] {
	const broker = { name: "test", protocol: "5", connected: true } as const;
	return statusDocument(stage.core.parts, broker)
		.needs.filter(({ address }) => address === "nas/disk")
		.map(({ state, do: cure }) => `${state}: ${cure}`);
}

test("a schedule into a repository asks for backups into it, one after the other", () => {
	using stage = new Stage();
	host(stage);
	host(stage, attic);
	add(stage, { name: "away", target: "nas/*", repository: disk });
	add(stage, { name: "attic-away", target: "attic/*", repository: disk });
	stage.jump(17 * 3600);
	assert.deepEqual(asked(stage), [["volume.backup", disk]]);
	assert.deepEqual(stage.lastCommand().params, { volume: "grafana-data", repository: disk });
	assert.deepEqual(stage.begun(attic), [], "the first to come has the lease");
	end(stage, stage.lastCommand());
	stage.pass(2);
	assert.deepEqual(stage.lastCommand(attic).params, { volume: "grafana-data", repository: disk });
});

test("checks and prunes are asked for at their times, and wait while the repository is in use", () => {
	using stage = new Stage();
	host(stage);
	add(stage, { task: "check" });
	add(stage, { name: "prune-disk", task: "prune", cron: "0 6 * * 1" });
	stage.jump(16.5 * 3600 - 60);
	stage.ask({ params: { volume: "grafana-data", repository: disk } });
	const backup = stage.lastCommand();
	stage.report(backup.id, { state: "running", sequence: 1 });
	stage.jump(60);
	assert.equal(stage.begun().length, 1, "the check waits for the backup");
	stage.report(backup.id, { state: "failed", sequence: 2 });
	stage.pass(2);
	assert.deepEqual(asked(stage).slice(1), [["repository.check", disk]]);
	assert.deepEqual(stage.lastCommand().params, { path, repository: disk });
	stage.jump(1.5 * 3600);
	assert.equal(stage.begun().length, 2, "the prune of Monday waits for the check");
	end(stage, stage.lastCommand());
	stage.pass(2);
	assert.deepEqual(asked(stage).slice(2), [["repository.prune", disk]]);
	end(stage, stage.lastCommand());
	assert.deepEqual(
		[row(stage, "check-disk").lastRun?.state, row(stage, "check-disk").problem],
		["succeeded", null],
	);
});

test("checks that a coordinator missed are caught up once, and what it knew of two repositories stays", () => {
	const folder = mkdtempSync(join(tmpdir(), "davit-tending-"));
	const file = join(folder, "history.sqlite");
	try {
		{
			using stage = new Stage({ file });
			host(stage);
			for (const name of ["disk", "cloud"]) add(stage, { name, target: `nas/${name}`, task: "check" });
			stage.jump(16.5 * 3600);
			stage.pass(1);
			end(stage, stage.lastCommand(), "part 1 is bad");
			stage.pass(2);
			end(stage, stage.lastCommand());
			stage.pass(2);
			assert.deepEqual(["cloud", "disk"].map((name) => row(stage, name).lastRun?.state).sort(), [
				"failed",
				"succeeded",
			]);
		}
		using stage = new Stage({ file, nowMs: startMs + 7 * 24 * hourMs });
		assert.deepEqual(["cloud", "disk"].map((name) => row(stage, name).problem?.state).sort(), [
			"failed",
			"overdue",
		]);
		host(stage);
		for (let round = 0; round < 4; round += 1) {
			stage.pass(2);
			for (const command of stage.begun()) end(stage, command);
		}
		assert.deepEqual(asked(stage).length, 2);
		assert.deepEqual([row(stage, "disk").problem, row(stage, "cloud").problem], [null, null]);
	} finally {
		rmSync(folder, { recursive: true });
	}
});

test("a check that failed or is overdue needs a person, on the first screen too", () => {
	using stage = new Stage();
	host(stage);
	add(stage, { task: "check" });
	assert.deepEqual(needs(stage), []);
	stage.jump(16.5 * 3600);
	stage.pass(1);
	end(stage, stage.lastCommand(), "part 1 of 10 of repository disk is damaged: pack 00");
	assert.deepEqual(needs(stage), ["failed: davit repository check nas/disk"]);
	assert.match(
		row(stage, "check-disk").problem?.sentence ?? "",
		/check of repository disk .* failed: part 1 of 10/,
	);
	stage.ask({ operation: "repository.check", params: { path, repository: disk } }, operator);
	end(stage, stage.lastCommand());
	assert.deepEqual(needs(stage), [], "a good check by hand takes it away");
	stage.presence(nas, "offline");
	stage.jump(2 * dayS);
	assert.deepEqual(needs(stage), ["overdue: davit repository check nas/disk"]);
	removeSchedule(stage.core.parts, "check-disk", operator);
	assert.deepEqual(needs(stage), []);
});

test("what is backed up into a repository is overdue there, whatever lies elsewhere", () => {
	using stage = new Stage();
	host(stage);
	add(stage, { name: "away", target: "nas/grafana-data", repository: disk });
	stage.archives(nas, grafana, [archive(stage.nowMs, { repository: disk })]);
	stage.jump(2 * dayS);
	stage.archives(nas, grafana, [archive(stage.nowMs), archive(startMs, { repository: disk })]);
	assert.equal(stage.core.parts.schedules.find("away")?.record.repository, disk);
	const state = () =>
		statusDocument(stage.core.parts, { name: "t", protocol: "5", connected: true }).counts.overdue;
	assert.equal(state(), 1);
	stage.archives(nas, grafana, [archive(stage.nowMs, { repository: disk })]);
	assert.equal(state(), 0);
});

test("a schedule of what is no repository, or that keeps what a check cannot keep, is refused", () => {
	using stage = new Stage();
	host(stage);
	const refused = (change: Partial<NewSchedule>, code: string, message: RegExp) =>
		assert.throws(() => add(stage, change), { code, message });
	refused(
		{ task: "check", target: "nas/tape" },
		"repository-not-found",
		/no repository is called tape on nas/,
	);
	refused({ task: "check", target: "nas/*" }, "schedule-invalid", /'?nas\/\*'? names no repository/);
	refused({ task: "prune", target: "attic/disk" }, "host-not-found", /attic/);
	refused({ task: "check", keepLast: 3 }, "schedule-invalid", /keeps nothing/);
	refused({ task: "check", repository: cloud }, "schedule-invalid", /goes nowhere else/);
	refused({ target: "nas/*", repository: RepositoryName.parse("tape") }, "repository-not-found", /tape/);
	assert.deepEqual(schedulesDocument(stage.core.parts).items, []);
});
