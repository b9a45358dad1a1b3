import assert from "node:assert/strict";
import { test } from "node:test";
import {
	ArchiveId,
	Bytes,
	type CommandId,
	instantOf,
	type RunCommand,
	RunId,
	ResourceId as resourceId,
} from "@davit/protocol";
import { partHolder } from "../journal/locks.ts";
import type { Operation } from "../operation.ts";
import { head, rehearse, restoreOf, type Stage, setStage } from "../rehearsal/rehearse.ts";
import { type Disturb, toyHandlers } from "../rehearsal/toy-operations.ts";

/** A stack whose only part is the stage's folder; `disturb` is called where it works, `undo` where it goes back. */
function toyStack({ resource }: Stage, disturb: Disturb): Operation<"stack.backup"> {
	return {
		async prepare({ stack }, { hold }) {
			await hold([resource]);
			return { stack };
		},
		steps: ({ stack }) => [
			{
				name: "work",
				intent: {},
				async run(signal) {
					await disturb(`work ${stack}`, signal);
					return undefined;
				},
				probe: async () => "absent",
				undo: async () => void (await disturb(`undo ${stack}`)),
			},
		],
		result: () => ({
			state: "succeeded",
			result: {
				...{ archive: ArchiveId.parse("0123456789"), takenAt: instantOf(0), bytes: Bytes.parse(1) },
				...{ contentBytes: Bytes.parse(1), entries: 1, consistency: "live", downtimeMs: 0 },
				...{ durationMs: 0, warnings: [] },
			},
		}),
	};
}

function open(disturb: Disturb, stage: Stage = setStage()) {
	const handlers = { ...toyHandlers(disturb), "stack.backup": toyStack(stage, disturb) };
	const agent = rehearse({ stage, handlers });
	agent.greet();
	return agent;
}

type Agent = ReturnType<typeof open>;

function stackOf(agent: Agent, stack: string): RunCommand {
	return restoreOf(agent.stage, agent.clock.nowMs, {
		...{ operation: "stack.backup", resource: resourceId.parse(`stack:${stack}`), params: { stack } },
		run: RunId.parse("rbbbbbbbb"),
	});
}

function said(agent: Agent, command: CommandId) {
	return agent.reports(command).map(({ state, progress }) => progress?.step ?? state);
}

/** Where an operation stops until the test goes on; `reached` tells that it is there. */
function gates() {
	const made = new Map<string, { reached: PromiseWithResolvers<void>; passed: PromiseWithResolvers<void> }>();
	const at = (point: string) => {
		const gate = made.get(point) ?? { reached: Promise.withResolvers(), passed: Promise.withResolvers() };
		made.set(point, gate);
		return gate;
	};
	const disturb: Disturb = async (point, signal) => {
		const gate = made.get(point);
		gate?.reached.resolve();
		signal?.addEventListener("abort", () => gate?.passed.reject(signal.reason), { once: true });
		await gate?.passed.promise;
	};
	return { at, disturb };
}

test("a stack waits for what is at work on a part of it, and nothing begins on that part before the stack has ended", async () => {
	const { at, disturb } = gates();
	const [swap, work] = [at("run swap"), at("work media")];
	const agent = open(disturb);
	const restore = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(restore);
	await swap.reached.promise;
	const stack = stackOf(agent, "media");
	agent.receive(stack);
	await new Promise(setImmediate);
	assert.deepEqual(said(agent, stack.id), ["accepted", "wait"]);
	swap.passed.resolve();
	await work.reached.promise;
	assert.equal(said(agent, restore.id).at(-1), "succeeded", "the stack began before the restore had ended");

	const next = restoreOf(agent.stage, agent.clock.nowMs, { fence: 2 });
	agent.receive(next);
	const [refusal] = agent.reports(next.id);
	assert.deepEqual([refusal?.state, refusal?.failure?.code], ["rejected", "resource-busy"]);
	assert.match(
		refusal?.failure?.message ?? "",
		/^path\.restore of path:\S+ was refused: stack\.backup of rbbbbbbbb holds it as a part of stack:media$/,
	);
	const verify = { operation: "path.verify", params: { path: agent.stage.folder, archive: "0123456789" } };
	const reading = restoreOf(agent.stage, agent.clock.nowMs, verify);
	agent.receive(reading);
	assert.equal(said(agent, reading.id)[0], "accepted", "what reads archives alone is in nobody's way");

	work.passed.resolve();
	await agent.core.idle();
	assert.equal(said(agent, stack.id).at(-1), "succeeded");
	const free = restoreOf(agent.stage, agent.clock.nowMs, { fence: 3 });
	agent.receive(free);
	await agent.core.idle();
	assert.equal(said(agent, free.id).at(-1), "succeeded");
});

test("two stacks that share a part have their turn one after the other", async () => {
	const { at, disturb } = gates();
	const [one, two] = [at("work one"), at("work two")];
	const agent = open(disturb);
	const [first, second] = [stackOf(agent, "one"), stackOf(agent, "two")];
	agent.receive(first);
	await one.reached.promise;
	agent.receive(second);
	await new Promise(setImmediate);
	assert.deepEqual(said(agent, second.id), ["accepted", "wait"]);
	one.passed.resolve();
	await two.reached.promise;
	assert.equal(said(agent, first.id).at(-1), "succeeded");
	two.passed.resolve();
	await agent.core.idle();
	assert.equal(said(agent, second.id).at(-1), "succeeded");
});

test("a stack that is cancelled while it waits holds nothing", async () => {
	const { at, disturb } = gates();
	const swap = at("run swap");
	const agent = open(disturb);
	agent.receive(restoreOf(agent.stage, agent.clock.nowMs));
	await swap.reached.promise;
	const stack = stackOf(agent, "media");
	agent.receive(stack);
	await new Promise(setImmediate);
	agent.receive({ ...head(agent.clock.nowMs), kind: "cancel", command: stack.id });
	await new Promise(setImmediate);
	assert.equal(said(agent, stack.id).at(-1), "cancelled");
	swap.passed.resolve();
	await agent.core.idle();
	assert.equal(
		agent.journal.read((database) => partHolder(database, agent.stage.resource)),
		undefined,
	);
});

test("what a killed stack held is held until its next life has undone it, and for ever where that fails", async () => {
	for (const [isBroken, expected] of [
		[false, "accepted"],
		[true, "rejected"],
	] as const) {
		const { at, disturb } = gates();
		const work = at("work media");
		const before = open(disturb);
		const stack = stackOf(before, "media");
		before.receive(stack);
		await work.reached.promise;
		before.crash();
		const holds: unknown[] = [];
		const agent = open((point) => {
			if (point !== "undo media") return;
			holds.push(agent.journal.read((database) => partHolder(database, agent.stage.resource)));
			if (isBroken) throw new Error("the disk is gone");
		}, before.stage);
		agent.core.start();
		await agent.core.idle();
		assert.ok(holds.length > 0 && holds.every((holder) => holder === stack.id), "it let go too early");
		const next = restoreOf(agent.stage, agent.clock.nowMs, { fence: 2 });
		agent.receive(next);
		const [answer] = agent.reports(next.id);
		assert.equal(answer?.state, expected);
		await agent.core.idle();
		const other = stackOf(agent, "other");
		agent.receive(other);
		await agent.core.idle();
		const end = agent.reports(other.id).at(-1);
		assert.equal(end?.state, isBroken ? "rejected" : "succeeded", "another stack with the same part");
		if (!isBroken) continue;
		assert.match(answer?.failure?.message ?? "", /stack\.backup of rbbbbbbbb left it inconsistent/);
		assert.match(end?.failure?.message ?? "", /of stack:other was refused: .* left path:\S+ inconsistent/);
	}
});
