import assert from "node:assert/strict";
import { test } from "node:test";
import { type CommandId, isFinal, newId } from "@davit/protocol";
import { head, rehearse, restoreOf } from "../rehearsal/rehearse.ts";
import { Reports } from "./reports.ts";

type Agent = ReturnType<typeof rehearse>;

async function finished(): Promise<{ agent: Agent; command: CommandId; sequence: number }> {
	const agent = rehearse();
	agent.greet();
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(command);
	await agent.core.idle();
	const final = agent.reports(command.id).at(-1);
	assert.equal(final?.state, "succeeded");
	agent.sent.length = 0;
	return { agent, command: command.id, sequence: final?.sequence ?? 0 };
}

/** Seconds after which a report was sent again, over some minutes of ticks. */
function resendSeconds(agent: Agent, command: CommandId, seconds: number): number[] {
	const at: number[] = [];
	for (let second = 1; second <= seconds; second += 1) {
		agent.clock.nowMs += 1_000;
		const before = agent.reports(command).length;
		agent.core.tick();
		if (agent.reports(command).length > before) at.push(second);
	}
	return at;
}

test("a final report is sent again after 2, 4, 8 … 60 seconds until its receipt, and then no more", async () => {
	const { agent, command, sequence } = await finished();
	assert.deepEqual(resendSeconds(agent, command, 250), [2, 6, 14, 30, 62, 122, 182, 242]);
	assert.equal(new Set(agent.sent.map(({ payload }) => payload)).size, 1);
	agent.receive({ ...head(agent.clock.nowMs), kind: "receipt", command, sequence });
	assert.deepEqual(resendSeconds(agent, command, 200), []);
	assert.deepEqual(agent.syncs(), []);
});

test("the receipt of an earlier report does not end the sending of a later one", async () => {
	const { agent, command, sequence } = await finished();
	agent.receive({ ...head(agent.clock.nowMs), kind: "receipt", command, sequence: sequence - 1 });
	assert.deepEqual(resendSeconds(agent, command, 3), [2]);
});

test("a receipt that nobody signed ends nothing", async () => {
	const { agent, command, sequence } = await finished();
	const receipt = { ...head(agent.clock.nowMs), kind: "receipt", command, sequence };
	const payload = Buffer.from(JSON.stringify(receipt)).toString("base64url");
	agent.receive(JSON.stringify({ payload, key: "0011223344556677", signature: "AAAA" }));
	assert.deepEqual(resendSeconds(agent, command, 3), [2]);
});

test("after a restart and a new connection the report is sent at once, the same and without doubt", async () => {
	const { agent, command } = await finished();
	agent.core.tick();
	agent.clock.nowMs += 2_000;
	agent.core.tick();
	const [before] = agent.reports(command);
	agent.crash();
	const again = rehearse({ stage: agent.stage, clock: agent.clock });
	again.core.start();
	again.greet();
	assert.deepEqual(again.reports(command), [before]);
	assert.deepEqual(
		again.syncs()[0]?.open.map(({ command: id, state }) => [id, state]),
		[[command, "succeeded"]],
	);
});

test("what has no receipt is said again at once when the coordinator begins a new life", async () => {
	const { agent, command } = await finished();
	agent.core.connected("a");
	// Long enough for the pauses between attempts to have become the longest; the last one was just now.
	assert.equal(resendSeconds(agent, command, 182).at(-1), 182);
	const before = agent.reports(command).length;
	agent.core.coordinatorCame();
	assert.deepEqual(agent.reports(command).slice(before), agent.reports(command).slice(before - 1, before));
});

test("a sync is sent again until the coordinator greets this very session, and once more when it began a new life", () => {
	const agent = rehearse();
	agent.core.connected("first");
	for (let second = 0; second < 30; second += 1) {
		agent.clock.nowMs += 1_000;
		agent.core.tick();
	}
	assert.equal(agent.syncs().length, 5);
	agent.receive({ ...head(agent.clock.nowMs), kind: "welcome", session: "another", fences: {} });
	agent.clock.nowMs += 60_000;
	agent.core.tick();
	assert.equal(agent.syncs().length, 6);
	agent.receive({ ...head(agent.clock.nowMs), kind: "welcome", session: "first", fences: {}, epoch: 4 });
	agent.clock.nowMs += 600_000;
	agent.core.tick();
	assert.equal(agent.syncs().length, 6);
	agent.core.coordinatorCame();
	assert.equal(agent.syncs().length, 7);
	assert.equal(agent.syncs()[6]?.coordinatorEpoch, 4);
});

test("the sync of an agent whose journal was lost has another journal id", () => {
	const [one, other] = [rehearse(), rehearse()];
	one.core.connected("a");
	other.core.connected("b");
	assert.notEqual(one.syncs()[0]?.journal, other.syncs()[0]?.journal);
});

test("progress of a step is sent at once, soon again, then once a second, and never overtakes the next report's number", () => {
	const agent = rehearse();
	agent.greet();
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	const sent: string[] = [];
	const { journal, clock } = agent;
	const reports = new Reports({
		host: command.host,
		...{ journal, now: () => clock.nowMs, elapsedMs: () => clock.nowMs, send: (text) => sent.push(text) },
	});
	const run = command.run;
	const id = newId();
	for (let at = 0; at < 5_000; at += 10) {
		clock.nowMs += 10;
		reports.progress(id, run, { step: "copy", bytes: at });
	}
	assert.equal(sent.length, 6);
	reports.progress(id, run, { step: "verify", bytes: 0 });
	assert.equal(sent.length, 7);
	assert.deepEqual(
		sent.map((text) => JSON.parse(text).sequence),
		[1, 2, 3, 4, 5, 6, 7],
	);
});

test("reports after a restart have higher numbers than progress that was sent before and never written down", async () => {
	const hold = Promise.withResolvers<void>();
	const agent = rehearse({ disturb: (point) => (point === "run swap" ? hold.promise : undefined) });
	agent.greet();
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(command);
	while (agent.reports(command.id).at(-1)?.progress?.step !== "swap") await new Promise(setImmediate);
	const highest = agent.reports(command.id).at(-1)?.sequence ?? 0;
	agent.crash();
	const again = rehearse({ stage: agent.stage, clock: agent.clock });
	again.core.start();
	await again.core.idle();
	const final = again.reports(command.id).find(({ state }) => isFinal(state));
	assert.ok((final?.sequence ?? 0) > highest);
	hold.resolve();
});
