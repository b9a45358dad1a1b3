import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type CancelCommand, type CommandId, isFinal, OperationError, type Report } from "@davit/protocol";
import { lockHolder } from "../journal/locks.ts";
import { begunSteps } from "../journal/steps.ts";
import { head, type Rehearsed, rehearse, restoreOf } from "../rehearsal/rehearse.ts";
import { type Disturb, toyHandlers, toyRestore } from "../rehearsal/toy-operations.ts";

type Agent = ReturnType<typeof rehearse>;

function start(given: Rehearsed, changes: Parameters<typeof restoreOf>[2] = {}) {
	const agent = rehearse(given);
	agent.greet();
	const command = restoreOf(agent.stage, agent.clock.nowMs, changes);
	agent.receive(command);
	return { agent, command };
}

function last(agent: Agent, command: CommandId): Report | undefined {
	return agent.reports(command).at(-1);
}

function content(agent: Agent): string {
	return readFileSync(join(agent.stage.folder, "content"), "utf8");
}

function isRunning(agent: Agent): boolean {
	return existsSync(join(agent.stage.folder, "running"));
}

/** Holds the operation at a point until the test opens it; resolves `reached` there. */
function gateAt(point: string): { disturb: Disturb; reached: Promise<void>; open: () => void } {
	const reached = Promise.withResolvers<void>();
	const gate = Promise.withResolvers<void>();
	const disturb: Disturb = async (at, signal) => {
		if (at !== point) return;
		reached.resolve();
		signal?.addEventListener("abort", () => gate.reject(signal.reason), { once: true });
		await gate.promise;
	};
	return { disturb, reached: reached.promise, open: gate.resolve };
}

function cancelOf(command: CommandId, nowMs: number): CancelCommand {
	return { ...head(nowMs), kind: "cancel", command };
}

test("an operation runs its steps, reports accepted, progress and success, and frees its resource", async () => {
	const { agent, command } = start({});
	await agent.core.idle();
	const reports = agent.reports(command.id);
	assert.deepEqual(
		reports.map(({ state, progress }) => progress?.step ?? state),
		["accepted", "unpack", "stop", "swap", "keep", "start", "succeeded"],
	);
	assert.deepEqual(
		reports.map(({ sequence }) => sequence),
		[1, 2, 3, 4, 5, 6, 7],
	);
	assert.equal(last(agent, command.id)?.result?.["undo"], command.id);
	assert.equal(content(agent), "new");
	assert.equal(
		agent.journal.read((database) => lockHolder(database, agent.stage.resource)),
		undefined,
	);
});

test("a failure at any step before the commit point is undone; at the commit point it depends on what happened", async () => {
	for (const point of ["prepare", "run unpack", "ran unpack", "run stop", "ran stop", "run swap"]) {
		const { agent, command } = start({
			disturb: (at) => {
				if (at === point) throw new OperationError("source-changed", `it failed at ${point}`);
			},
		});
		await agent.core.idle();
		assert.deepEqual(
			[last(agent, command.id)?.state, last(agent, command.id)?.failure?.code],
			["failed", "source-changed"],
		);
		assert.deepEqual([content(agent), isRunning(agent)], ["old", true], point);
	}
	const { agent, command } = start({
		disturb: (at) => {
			if (at === "ran swap") throw new Error("it failed after the effect");
		},
	});
	await agent.core.idle();
	assert.equal(last(agent, command.id)?.state, "succeeded");
	assert.deepEqual([content(agent), isRunning(agent)], ["new", true]);
});

test("what was begun is undone newest step first, and nothing else", async () => {
	const undone: string[] = [];
	const { agent } = start({
		disturb: (at) => {
			if (at.startsWith("undo ")) undone.push(at);
			if (at === "run swap") throw new Error("the disk is gone");
		},
	});
	await agent.core.idle();
	assert.deepEqual(undone, ["undo swap", "undo stop", "undo unpack"]);
});

test("a step after the commit point is tried again until it succeeds", async () => {
	let tries = 0;
	const { agent, command } = start({
		disturb: (at) => {
			if (at !== "run start") return;
			tries += 1;
			if (tries < 8) throw new OperationError("docker-unreachable", "no engine answers");
		},
	});
	await agent.core.idle();
	assert.equal(tries, 8);
	assert.equal(last(agent, command.id)?.state, "succeeded");
});

test("an engine that is away is waited for as long as it takes, and that is said", async () => {
	let tries = 0;
	const clock = { nowMs: Date.UTC(2026, 10, 22) };
	const { agent, command } = start({
		clock,
		disturb: (at) => {
			if (at === "run swap") throw new Error("the disk is gone");
			if (at !== "undo stop") return;
			tries += 1;
			clock.nowMs += 15_000;
			if (tries < 500) throw new OperationError("docker-unreachable", "no engine answers");
		},
	});
	await agent.core.idle();
	assert.equal(tries, 500);
	const waiting = agent.reports(command.id).flatMap(({ progress }) => progress?.waitingFor ?? []);
	assert.deepEqual([...new Set(waiting)], ["no engine answers"]);
	assert.equal(last(agent, command.id)?.state, "failed");
	assert.ok(isRunning(agent));
});

test("an agent that is stopped while it waits for an engine ends, and its next lives go on, however many", async () => {
	let isAway = true;
	let asked = Promise.withResolvers<void>();
	const disturb: Disturb = (at) => {
		if (at === "run swap") throw new Error("the disk is gone");
		if (at !== "undo stop" || !isAway) return;
		asked.resolve();
		throw new OperationError("docker-unreachable", "no engine answers");
	};
	const { agent, command } = start({ disturb });
	const { stage, clock } = agent;
	await asked.promise;
	await agent.core.close();
	agent.journal[Symbol.dispose]();
	for (let life = 1; life <= 8; life += 1) {
		const next = rehearse({ stage, clock, disturb });
		asked = Promise.withResolvers<void>();
		next.core.start();
		await asked.promise;
		await next.core.close();
		assert.deepEqual([next.fatal, isRunning(next)], [[], false]);
		next.journal[Symbol.dispose]();
	}
	isAway = false;
	const back = rehearse({ stage, clock, disturb });
	back.core.start();
	await back.core.idle();
	assert.equal(last(back, command.id)?.state, "failed");
	assert.match(last(back, command.id)?.failure?.message ?? "", /the disk is gone/);
	assert.ok(isRunning(back));
});

test("a step after the commit point that never succeeds is inconsistent and keeps the lock", async () => {
	const { agent, command } = start({
		disturb: (at) => {
			if (at === "run start") throw new OperationError("container-not-resumed", "grafana does not start");
		},
	});
	await agent.core.idle();
	const report = last(agent, command.id);
	assert.deepEqual([report?.state, report?.failure?.code], ["inconsistent", "inconsistent"]);
	assert.match(report?.failure?.message ?? "", /past its commit point.*start fails.*grafana does not start/);
	assert.match(report?.failure?.hint ?? "", /start it by hand/);
	assert.equal(
		agent.journal.read((database) => lockHolder(database, agent.stage.resource)),
		command.id,
	);
});

test("an undo that fails is tried again, and is inconsistent when it never succeeds", async () => {
	for (const [fails, expected] of [
		[2, "failed"],
		[3, "inconsistent"],
	] as const) {
		let undos = 0;
		const { agent, command } = start({
			disturb: (at) => {
				if (at === "run swap") throw new Error("the disk is gone");
				if (at !== "undo stop") return;
				undos += 1;
				if (undos <= fails) throw new Error("the engine refused");
			},
		});
		await agent.core.idle();
		assert.equal(undos, 3);
		assert.equal(last(agent, command.id)?.state, expected);
		const holder = agent.journal.read((database) => lockHolder(database, agent.stage.resource));
		assert.equal(holder, expected === "inconsistent" ? command.id : undefined);
	}
});

test("what lets services go is undone even where a later step cannot be, and what is before both stays", async () => {
	const undone: string[] = [];
	const toy = toyRestore((at) => {
		if (at === "run swap") throw new Error("the disk is gone");
		if (at.startsWith("undo ")) undone.push(at);
		if (at === "undo swap") throw new Error("it is still gone");
	});
	const steps: typeof toy.steps = (facts, context) =>
		toy.steps(facts, context).map((step) => (step.name === "stop" ? { ...step, releases: true } : step));
	const { agent, command } = start({ handlers: { ...toyHandlers(), "path.restore": { ...toy, steps } } });
	await agent.core.idle();
	assert.deepEqual(undone, ["undo swap", "undo swap", "undo swap", "undo stop"]);
	assert.ok(isRunning(agent));
	const report = last(agent, command.id);
	assert.equal(report?.state, "inconsistent");
	assert.match(report?.failure?.message ?? "", /undoing its step swap fails: it is still gone/);
});

test("a full disk stops the operation before the next intent, and what was begun is undone", async () => {
	let isFull = false;
	const { agent, command } = start({
		freeBytes: () => (isFull ? 0 : 1_000_000),
		disturb: (at) => {
			if (at === "ran unpack") isFull = true;
		},
	});
	await agent.core.idle();
	assert.deepEqual(
		[last(agent, command.id)?.state, last(agent, command.id)?.failure?.code],
		["failed", "disk-full"],
	);
	assert.equal(content(agent), "old");
	const names = agent.journal.read((database) => begunSteps(database, command.id)).map(({ name }) => name);
	assert.deepEqual(names, ["unpack"]);
});

test("a cancel before the commit point undoes, and both commands say so", async () => {
	const gate = gateAt("run stop");
	const { agent, command } = start({ disturb: gate.disturb });
	await gate.reached;
	const cancel = cancelOf(command.id, agent.clock.nowMs);
	agent.receive(cancel);
	assert.equal(last(agent, cancel.id)?.state, "accepted");
	await agent.core.idle();
	assert.deepEqual(
		[last(agent, command.id)?.state, last(agent, command.id)?.failure?.code],
		["cancelled", "cancelled"],
	);
	assert.equal(last(agent, cancel.id)?.state, "succeeded");
	assert.deepEqual([content(agent), isRunning(agent)], ["old", true]);
});

test("a cancel after the commit point is refused, and the operation goes on to its end", async () => {
	const gate = gateAt("run start");
	const { agent, command } = start({ disturb: gate.disturb });
	await gate.reached;
	const cancel = cancelOf(command.id, agent.clock.nowMs);
	agent.receive(cancel);
	assert.deepEqual(
		[last(agent, cancel.id)?.state, last(agent, cancel.id)?.failure?.code],
		["rejected", "past-commit"],
	);
	gate.open();
	await agent.core.idle();
	assert.equal(last(agent, command.id)?.state, "succeeded");
	const late = cancelOf(command.id, agent.clock.nowMs);
	agent.receive(late);
	assert.equal(last(agent, late.id)?.failure?.code, "run-ended");
});

test("a cancel that comes while the commit has its effect is refused when the effect is there", async () => {
	const gate = gateAt("ran swap");
	const { agent, command } = start({ disturb: gate.disturb });
	await gate.reached;
	const cancel = cancelOf(command.id, agent.clock.nowMs);
	agent.receive(cancel);
	await agent.core.idle();
	assert.equal(last(agent, command.id)?.state, "succeeded");
	assert.deepEqual(
		[last(agent, cancel.id)?.state, last(agent, cancel.id)?.failure?.code],
		["rejected", "past-commit"],
	);
	assert.deepEqual([content(agent), isRunning(agent)], ["new", true]);
});

test("a cancel that overtakes its command keeps it from ever beginning", async () => {
	const agent = rehearse();
	agent.greet();
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(cancelOf(command.id, agent.clock.nowMs));
	agent.receive(command);
	await agent.core.idle();
	assert.equal(last(agent, command.id)?.state, "cancelled");
	assert.equal(content(agent), "old");
});

test("an operation that takes longer than its deadline is undone", async () => {
	const gate = gateAt("run stop");
	const { agent, command } = start({ disturb: gate.disturb }, { deadlineSeconds: 60 });
	await gate.reached;
	agent.clock.nowMs += 59_999;
	agent.core.tick();
	await new Promise(setImmediate);
	assert.ok(agent.reports(command.id).every(({ state }) => !isFinal(state)));
	agent.clock.nowMs += 1;
	agent.core.tick();
	await agent.core.idle();
	assert.deepEqual(
		[last(agent, command.id)?.state, last(agent, command.id)?.failure?.code],
		["failed", "deadline-passed"],
	);
	assert.deepEqual([content(agent), isRunning(agent)], ["old", true]);
});

test("an agent that is stopped undoes what is under way before it ends", async () => {
	const gate = gateAt("run swap");
	const { agent, command } = start({ disturb: gate.disturb });
	await gate.reached;
	assert.equal(isRunning(agent), false);
	await agent.core.close();
	assert.equal(last(agent, command.id)?.failure?.code, "interrupted");
	assert.deepEqual([content(agent), isRunning(agent)], ["old", true]);
});
