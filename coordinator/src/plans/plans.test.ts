import assert from "node:assert/strict";
import { test } from "node:test";
import { instantOf, OperationError, type PlanDocument, PlanId } from "@davit/protocol";
import { openDesk } from "../desk/open-desk.ts";
import { openRecovery } from "../recovery/open-recovery.ts";
import { archive, grafana, homeAssistant, nas, operator, Stage } from "../testing/stage.ts";

const digest = "a".repeat(64);
const noFailure = { message: "the facts moved", hint: "h", retryable: true };

function stageWithArchive() {
	const stage = new Stage();
	stage.host(nas);
	const kept = archive(stage.nowMs - 1000);
	stage.archives(nas, grafana, [kept]);
	const broker = {
		isEmbedded: true,
		url: "mqtt://127.0.0.1:1",
		passwordOf: () => undefined,
		disconnect: () => undefined,
	};
	const describeBroker = () => ({ name: "test", protocol: "5", connected: true }) as const;
	const recovery = openRecovery(stage.core.parts, { kits: [], add: async () => undefined });
	const desk = openDesk(stage.core, { broker, describeBroker, joinDoor: undefined, recovery });
	const wanted = { host: nas, resource: grafana, action: { action: "restore", archive: kept.id } } as const;
	return { stage, desk, kept, wanted };
}

type Ground = ReturnType<typeof stageWithArchive>;

function facts({ stage, kept }: Ground, blockers: readonly object[] = []): Record<string, unknown> {
	return {
		...{ resource: grafana, action: "restore", archive: kept.id, contentAt: instantOf(stage.nowMs) },
		...{ stops: [], replaces: 3, adds: 1, removes: 2, needsBytes: 10, freeBytes: 100, undoSeconds: 60 },
		examples: { replaces: [], adds: [], removes: [] },
		...{ blockers, digest },
	};
}

async function makePlan(ground: Ground, blockers: readonly object[] = []): Promise<PlanDocument> {
	const making = ground.desk.makePlan(ground.wanted, operator, new AbortController().signal);
	const { stage } = ground;
	stage.report(stage.lastCommand().id, { state: "succeeded", sequence: 1, result: facts(ground, blockers) });
	return making;
}

const code = (error: unknown) => (error instanceof OperationError ? error.code : String(error));

test("a plan is asked of the host, shown with its facts, and applied exactly once with its digest", async () => {
	const ground = stageWithArchive();
	using stage = ground.stage;
	const plan = await makePlan(ground);
	assert.equal(plan.state, "ready");
	assert.equal(plan.confirm, "grafana-data");
	assert.equal(plan.facts.removes, 2);
	const { run } = ground.desk.apply(plan.plan, "grafana-data", operator);
	const command = stage.lastCommand();
	assert.equal(command.operation, "volume.restore");
	assert.deepEqual(command.params, { volume: "grafana-data", archive: ground.kept.id, plan: digest });
	stage.report(command.id, { state: "succeeded", sequence: 1 });
	const applied = ground.desk.plan(plan.plan);
	assert.deepEqual([applied.state, applied.run], ["applied", run]);
	assert.throws(() => ground.desk.apply(plan.plan, "grafana-data", operator), /applied already/);
	assert.equal(stage.begun().length, 2);
});

test("the undo of a restore is known with its end, before its host shows it, and goes when the host shows none", async () => {
	const ground = stageWithArchive();
	using stage = ground.stage;
	const { plan } = await makePlan(ground);
	const { run } = ground.desk.apply(plan, "grafana-data", operator);
	const { id } = stage.lastCommand();
	const undoUntil = instantOf(stage.nowMs + 3_600_000);
	const result = {
		...{ archive: ground.kept.id, replaced: 3, added: 1, removed: 2, downtimeMs: 5, durationMs: 9 },
		...{ undo: id, undoUntil },
	};
	stage.report(id, { state: "succeeded", sequence: 1, result });
	assert.deepEqual(ground.desk.run(run).undo, { command: id, archive: ground.kept.id, until: undoUntil });
	const at = instantOf(stage.nowMs);
	stage.receive(stage.topics.resourceState(nas, grafana), {
		...{ version: 1, host: nas, resource: grafana, lastGoodBackup: null, archives: 1, undo: null, at },
		activity: { command: id, operation: "volume.restore", state: "succeeded", at },
	});
	assert.equal(ground.desk.run(run).undo, null);
});

test("making a plan is no run that lists show, and nothing on the broker", async () => {
	const ground = stageWithArchive();
	using stage = ground.stage;
	await makePlan(ground);
	assert.equal(ground.desk.runs({}).total, 0);
	assert.equal(stage.sent.filter(({ topic }) => topic.includes("/runs/")).length, 0);
	assert.equal(stage.status()?.["backup"], "idle");
});

test("the wrong name, a principal that may not, an old plan and a blocked one are refused and stop nothing", async () => {
	const ground = stageWithArchive();
	using stage = ground.stage;
	const plan = await makePlan(ground);
	const apply = (confirm: string, principal = operator) => {
		try {
			return ground.desk.apply(plan.plan, confirm, principal).run;
		} catch (error) {
			return code(error);
		}
	};
	assert.equal(apply("grafana"), "confirmation-missing");
	assert.equal(apply(""), "confirmation-missing");
	assert.equal(apply("grafana-data", homeAssistant), "not-allowed");
	stage.jump(15 * 60);
	assert.equal(apply("grafana-data"), "plan-expired");
	assert.equal(ground.desk.plan(plan.plan).state, "expired");
	const disk = { code: "disk-full", message: "no space", hint: "free some", retryable: true };
	const blocked = await makePlan(ground, [disk]);
	assert.equal(blocked.state, "blocked");
	assert.throws(
		() => ground.desk.apply(blocked.plan, "grafana-data", operator),
		(error) => code(error) === "disk-full",
	);
	assert.throws(
		() => ground.desk.apply(PlanId.parse("paaaaaaaa"), "grafana-data", operator),
		(error) => code(error) === "plan-not-found",
	);
	assert.equal(stage.begun().filter(({ operation }) => operation === "volume.restore").length, 0);
});

test("facts that moved: the run names the plan that takes its place, and that one can be applied", async () => {
	const ground = stageWithArchive();
	using stage = ground.stage;
	const plan = await makePlan(ground);
	const { run } = ground.desk.apply(plan.plan, "grafana-data", operator);
	const failure = { ...noFailure, code: "plan-stale" as const };
	stage.report(stage.lastCommand().id, { state: "rejected", sequence: 1, failure });
	const { hint } = ground.desk.run(run).run.failure ?? {};
	const [fresh] = /p[a-z2-7]{8}/.exec(hint?.replace("plan ", "") ?? "") ?? [];
	assert.ok(fresh !== undefined && fresh !== plan.plan, hint);
	assert.throws(() => ground.desk.plan(fresh), /still being made/);
	assert.equal(stage.lastCommand().operation, "volume.plan");
	stage.report(stage.lastCommand().id, { state: "succeeded", sequence: 1, result: facts(ground) });
	assert.equal(ground.desk.plan(fresh).state, "ready");
	assert.ok(ground.desk.apply(PlanId.parse(fresh), "grafana-data", operator).run);
});

test("a host that does not say what would happen is given up after 20 s of silence, not before", async () => {
	const ground = stageWithArchive();
	using stage = ground.stage;
	const making = ground.desk.makePlan(ground.wanted, operator, new AbortController().signal);
	const { id } = stage.lastCommand();
	const refused = assert.rejects(making, (error) => code(error) === "host-offline");
	stage.pass(15);
	stage.report(id, { state: "running", sequence: 1, progress: { step: "compare", bytes: 1 } });
	stage.pass(15);
	assert.notEqual(stage.core.parts.runs.openOn(nas, grafana), undefined);
	stage.pass(6);
	await refused;
	assert.equal(stage.core.parts.runs.openOn(nas, grafana), undefined);
	assert.equal(stage.commands().at(-1)?.kind, "cancel");
});

test("a plan of an archive that is not there, or while another operation works, is refused at once", async () => {
	const ground = stageWithArchive();
	using stage = ground.stage;
	const { desk, wanted } = ground;
	const { signal } = new AbortController();
	const missing = { ...wanted, action: { action: "restore", archive: "ffffffffff" as never } } as const;
	await assert.rejects(
		desk.makePlan(missing, operator, signal),
		(error) => code(error) === "archive-not-found",
	);
	await assert.rejects(
		desk.makePlan(wanted, homeAssistant, signal),
		(error) => code(error) === "not-allowed",
	);
	stage.ask();
	await assert.rejects(desk.makePlan(wanted, operator, signal), (error) => code(error) === "resource-busy");
	const failure = { ...noFailure, code: "archive-corrupt" as const };
	stage.report(stage.lastCommand().id, { state: "succeeded", sequence: 1 });
	const making = desk.makePlan(wanted, operator, signal);
	stage.report(stage.lastCommand().id, { state: "failed", sequence: 1, failure });
	await assert.rejects(making, (error) => code(error) === "archive-corrupt");
});

test("a run that no host has heard of is cancelled at once; one that works is asked to stop", () => {
	const ground = stageWithArchive();
	using stage = ground.stage;
	const { run } = stage.ask();
	assert.ok(run);
	stage.report(stage.lastCommand().id, { state: "accepted", sequence: 1 });
	ground.desk.cancel(run, operator);
	const cancel = stage.commands().at(-1);
	assert.ok(cancel?.kind === "cancel");
	assert.equal(cancel.command, stage.lastCommand().id);
	stage.report(cancel.id, { state: "accepted", sequence: 1 });
	const sent = stage.commands().filter(({ kind }) => kind === "cancel").length;
	stage.pass(30);
	assert.equal(stage.commands().filter(({ kind }) => kind === "cancel").length, sent);
	stage.report(stage.lastCommand().id, { state: "cancelled", sequence: 2 });
	assert.equal(ground.desk.run(run).run.state, "cancelled");
	assert.throws(
		() => ground.desk.cancel(run, operator),
		(error) => code(error) === "run-ended",
	);
	assert.throws(
		() => ground.desk.cancel(run, homeAssistant),
		(error) => code(error) === "not-allowed",
	);
});
