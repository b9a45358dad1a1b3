import assert from "node:assert/strict";
import { test } from "node:test";
import { CommandId, instantOf, newId, ResourceId, RunId } from "@davit/protocol";
import { attic, backupResult, nas, Stage, schedule } from "../testing/stage.ts";

function state(stage: Stage, run: unknown): string | undefined {
	return stage.core.parts.runs.find(RunId.parse(run))?.run.state;
}

function started() {
	const stage = new Stage();
	stage.host(nas);
	const { run } = stage.ask();
	return { stage, run, command: stage.lastCommand() };
}

const pruneRequest = {
	...{ operation: "volume.prune", params: { volume: "grafana-data", keepLast: 2 } },
	confirm: "grafana-data",
};
const noFailure = { message: "m", hint: "h", retryable: false };

test("a command is sent again, the same bytes, after 2, 4, 8 … 60 s until it is accepted", () => {
	using stage = new Stage({ random: () => 0.5 });
	stage.host(nas);
	stage.ask();
	const topic = stage.topics.command(nas);
	const sentAt: number[] = [];
	for (let second = 0; second < 115; second += 1) {
		const before = stage.payloads(topic).length;
		stage.pass(1);
		if (stage.payloads(topic).length > before) sentAt.push(second + 1);
	}
	assert.deepEqual(sentAt, [2, 6, 14, 30, 62]);
	assert.equal(new Set(stage.payloads(topic)).size, 1);
	stage.report(stage.lastCommand().id, { state: "accepted", sequence: 1 });
	const sent = stage.payloads(topic).length;
	stage.pass(200);
	assert.equal(stage.runCommands().length, 6);
	assert.equal(stage.payloads(topic).length, sent);
});

test("at most 200 commands are on their way without an answer, and all come through", () => {
	using stage = new Stage();
	const volumes = Array.from({ length: 300 }, (_, index) => ResourceId.parse(`volume:v${index}`));
	stage.host(nas, volumes);
	for (const volume of volumes) stage.ask({ params: { volume: volume.slice("volume:".length) } });
	assert.equal(stage.runCommands().length, 200);
	for (const { id } of stage.runCommands()) stage.report(id, { state: "accepted", sequence: 1 });
	assert.equal(new Set(stage.runCommands().map(({ id }) => id)).size, 300);
});

test("what no host can have heard of expires; what may have begun is unknown until the host says", () => {
	using stage = new Stage();
	stage.host(nas);
	stage.presence(nas, "offline");
	stage.pass(6);
	const waiting = stage.ask({}, schedule);
	stage.pass(130);
	assert.equal(state(stage, waiting.run), "expired");
	assert.deepEqual(stage.runCommands(), []);
	stage.presence(nas, "online", "s2");
	const { run } = stage.ask();
	const { id } = stage.lastCommand();
	stage.pass(125);
	assert.equal(state(stage, run), "unknown");
	stage.report(id, {
		...{ state: "rejected", sequence: 1 },
		failure: { ...noFailure, code: "command-expired" },
	});
	assert.equal(state(stage, run), "expired");
});

test("reports are applied once and in order; each one that matters is acknowledged each time", () => {
	const { stage, run, command } = started();
	using _stage = stage;
	stage.report(command.id, { state: "accepted", sequence: 1 });
	stage.report(command.id, { state: "running", sequence: 3, progress: { step: "verify", bytes: 9 } });
	stage.report(command.id, { state: "running", sequence: 2, progress: { step: "copy", bytes: 1 } });
	assert.equal(stage.core.parts.runs.find(RunId.parse(run))?.run.progress?.step, "verify");
	const result = backupResult("0123456789", stage.nowMs);
	stage.report(command.id, { state: "succeeded", sequence: 4, result });
	stage.report(command.id, { state: "succeeded", sequence: 4, result });
	stage.report(command.id, { state: "failed", sequence: 9, failure: { ...noFailure, code: "disk-full" } });
	stage.report(command.id, { state: "accepted", sequence: 1 });
	assert.equal(state(stage, run), "succeeded");
	assert.equal(stage.core.parts.runs.find(RunId.parse(run))?.run.archive, "0123456789");
	const receipts = stage.commands().filter(({ kind }) => kind === "receipt");
	assert.equal(receipts.length, 5);
	assert.equal(stage.status()?.["backup"], "succeeded");
});

test("a report that overtakes all others ends the run; those it overtook change nothing", () => {
	const { stage, run, command } = started();
	using _stage = stage;
	stage.report(command.id, { state: "failed", sequence: 7, failure: { ...noFailure, code: "disk-full" } });
	stage.report(command.id, { state: "accepted", sequence: 1 });
	stage.report(command.id, { state: "running", sequence: 2 });
	assert.equal(state(stage, run), "failed");
	stage.pass(120);
	assert.equal(stage.runCommands().length, 1);
});

test("an agent that died counts its reports anew and is still believed", () => {
	const { stage, run, command } = started();
	using _stage = stage;
	stage.report(command.id, { state: "accepted", sequence: 1 });
	stage.report(command.id, { state: "running", sequence: 40, progress: { step: "copy", bytes: 1 } });
	const failure = { ...noFailure, code: "interrupted" as const };
	stage.report(command.id, { state: "failed", sequence: 2, agentEpoch: 2, failure });
	assert.equal(state(stage, run), "failed");
});

test("a report of another host's command, of no command, or of nonsense is ignored", () => {
	const { stage, run, command } = started();
	using _stage = stage;
	stage.host(attic, []);
	stage.report(command.id, { state: "succeeded", sequence: 1 }, attic);
	stage.receive(stage.topics.report(attic), { version: 1, command: command.id, host: nas, state: "failed" });
	stage.receive(stage.topics.report(nas), { version: 1, command: command.id, host: attic, sequence: -1 });
	stage.report(CommandId.parse(newId()), { state: "succeeded", sequence: 1 });
	for (const text of ["", "{", "null", "[]", '"x"', "\u0000"]) {
		stage.core.receive({ topic: stage.topics.report(nas), payload: Buffer.from(text), retain: false });
	}
	assert.equal(state(stage, run), "requested");
	assert.ok(stage.warnings.length > 0);
	stage.report(command.id, { state: "accepted", sequence: 1 });
	assert.equal(state(stage, run), "accepted");
});

test("silence means unknown, never failed; a word from the host puts it right", () => {
	const { stage, run, command } = started();
	using _stage = stage;
	stage.report(command.id, { state: "accepted", sequence: 1 });
	stage.presence(nas, "offline");
	stage.pass(3);
	assert.equal(state(stage, run), "accepted");
	stage.pass(4);
	assert.equal(state(stage, run), "unknown");
	const unknown = stage.core.parts.runs.find(RunId.parse(run))?.run;
	assert.equal(unknown?.failure?.code, "outcome-unknown");
	stage.presence(nas, "online", "s2");
	stage.sync(nas, {
		...{ session: "s2" },
		open: [{ command: command.id, state: "running", sequence: 5 }],
	});
	assert.equal(state(stage, run), "running");
	assert.equal(stage.core.parts.runs.find(RunId.parse(run))?.run.failure, undefined);
});

test("the will of an earlier connection does not take down the present one", () => {
	using stage = new Stage();
	stage.host(nas, undefined, "s2");
	stage.presence(nas, "offline", "s1");
	stage.pass(40);
	assert.equal(stage.core.parts.fleet.isOnline(nas), true);
	stage.presence(nas, "offline", "s2");
	stage.pass(6);
	assert.equal(stage.core.parts.fleet.isOnline(nas), false);
});

test("a broker that forgot everything: hosts that do not come back within the grace are offline", () => {
	using stage = new Stage();
	stage.host(nas);
	stage.host(attic, []);
	stage.core.lost();
	stage.pass(10);
	stage.core.birth();
	stage.presence(nas, "online", "s2");
	assert.equal(stage.core.parts.fleet.isOnline(attic), true);
	stage.pass(21);
	assert.equal(stage.core.parts.fleet.isOnline(attic), false);
	assert.equal(stage.core.parts.fleet.isOnline(nas), true);
});

test("a sync is greeted with epoch and fences, and what was not accepted comes again at once", () => {
	const { stage, command } = started();
	using _stage = stage;
	stage.sync(nas);
	const welcome = stage.commands().find(({ kind }) => kind === "welcome");
	assert.ok(welcome?.kind === "welcome");
	assert.equal(welcome.session, "s1");
	assert.equal(welcome.fences["volume:grafana-data"], command.fence - 1);
	assert.equal(stage.runCommands().length, 2);
	assert.equal(new Set(stage.payloads(stage.topics.command(nas))).size, 2);
});

test("an accepted command that a host with its memory does not list is asked for with the same bytes", () => {
	const { stage, run, command } = started();
	using _stage = stage;
	stage.sync(nas);
	stage.report(command.id, { state: "accepted", sequence: 1 });
	stage.sync(nas, { session: "s2" });
	assert.equal(state(stage, run), "accepted");
	assert.equal(new Set(stage.runCommands().map(({ id }) => id)).size, 1);
	assert.ok(stage.runCommands().length >= 3);
	stage.report(command.id, { state: "succeeded", sequence: 2 });
	assert.equal(state(stage, run), "succeeded");
});

test("a host that lost its memory: a backup was interrupted, what destroys is inconsistent", () => {
	const { stage, run, command } = started();
	using _stage = stage;
	stage.sync(nas);
	stage.report(command.id, { state: "accepted", sequence: 1 });
	stage.pass(1);
	stage.sync(nas, { session: "s2", journal: "j2" });
	assert.equal(state(stage, run), "failed");
	assert.equal(stage.core.parts.runs.find(RunId.parse(run))?.run.failure?.code, "interrupted");
	const prune = stage.ask(pruneRequest);
	stage.report(stage.lastCommand().id, { state: "accepted", sequence: 1 });
	stage.pass(1);
	stage.sync(nas, { session: "s3", journal: "j3" });
	assert.equal(state(stage, prune.run), "inconsistent");
});

test("what destroys was sent, and the host lost its memory before it answered: it may have begun", () => {
	using stage = new Stage();
	stage.host(nas);
	stage.sync(nas);
	const { run } = stage.ask(pruneRequest);
	stage.presence(nas, "online", "s2");
	stage.sync(nas, { session: "s2", journal: "j2" });
	assert.equal(state(stage, run), "inconsistent");
});

test("a late sync of a memory that is gone, or one older than the acceptance, ends nothing", () => {
	const { stage, run, command } = started();
	using _stage = stage;
	stage.sync(nas, { journal: "j1" });
	stage.pass(5);
	const before = instantOf(stage.nowMs);
	stage.report(command.id, { state: "accepted", sequence: 1 });
	stage.sync(nas, { session: "s2", journal: "j2", at: before });
	assert.equal(state(stage, run), "accepted");
	stage.pass(5);
	stage.sync(nas, { session: "s1", journal: "j1" });
	assert.equal(state(stage, run), "accepted");
});

test("a host that refuses as new what it had accepted does not remember it", () => {
	for (const [word, code] of [
		["rejected", "command-expired"],
		["rejected", "not-welcome"],
		["cancelled", "cancelled"],
	] as const) {
		const { stage, run, command } = started();
		using _stage = stage;
		stage.report(command.id, { state: "accepted", sequence: 1 });
		stage.report(command.id, { state: "running", sequence: 2 });
		stage.report(command.id, { state: word, sequence: 1, failure: { ...noFailure, code } });
		assert.equal(state(stage, run), "failed");
		assert.equal(stage.core.parts.runs.find(RunId.parse(run))?.run.failure?.code, "interrupted");
	}
});

test("two agents with one name are told of", () => {
	using stage = new Stage();
	stage.host(nas);
	for (const journal of ["j1", "j2", "j1"]) stage.sync(nas, { journal });
	assert.ok((stage.core.parts.fleet.find(nas)?.doubleUntilMs ?? 0) > stage.nowMs);
});

test("a command that was refused only because of its moment is given anew, and ends the same run", () => {
	const { stage, run, command } = started();
	using _stage = stage;
	const failure = { ...noFailure, code: "epoch-stale" as const };
	stage.report(command.id, { state: "rejected", sequence: 1, failure });
	assert.equal(state(stage, run), "requested");
	const again = stage.lastCommand();
	assert.notEqual(again.id, command.id);
	assert.equal(again.run, run);
	assert.ok(again.fence > command.fence);
	stage.report(command.id, { state: "rejected", sequence: 1, failure });
	stage.report(again.id, { state: "succeeded", sequence: 1 });
	assert.equal(state(stage, run), "succeeded");
	stage.pass(60);
	assert.equal(new Set(stage.runCommands().map(({ id }) => id)).size, 2);
});

test("a host that refuses because it was not greeted yet gets the command again when it syncs, and not a hundred times", () => {
	const { stage, run } = started();
	using _stage = stage;
	const failure = { ...noFailure, code: "not-welcome" as const };
	const refuse = () => stage.report(stage.lastCommand().id, { state: "rejected", sequence: 1, failure });
	refuse();
	refuse();
	assert.equal(stage.begun().length, 2);
	stage.sync(nas);
	assert.equal(stage.begun().length, 3);
	const { id } = stage.lastCommand();
	stage.report(id, { state: "accepted", sequence: 1 });
	assert.equal(state(stage, run), "accepted");
	// What it said of the refused ones may come once more, and ends nothing.
	for (const { id: old } of stage.begun().slice(0, 2)) {
		stage.report(old, { state: "rejected", sequence: 1, failure });
	}
	assert.equal(state(stage, run), "accepted");
	stage.report(id, { state: "succeeded", sequence: 2, result: backupResult("0123456789", stage.nowMs) });
	assert.equal(state(stage, run), "succeeded");
	assert.equal(stage.begun().length, 3);
});

test("a host that refuses for ever ends the run after five new commands", () => {
	const { stage, run } = started();
	using _stage = stage;
	const failure = { ...noFailure, code: "fence-stale" as const };
	for (let second = 0; second < 110; second += 1) {
		stage.pass(1);
		stage.report(stage.lastCommand().id, { state: "rejected", sequence: 1, failure });
	}
	assert.equal(stage.begun().length, 6);
	assert.equal(state(stage, run), "rejected");
});
