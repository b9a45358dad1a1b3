import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { type Command, HostName, maximumMessageBytes, newId, SiteName, sealCommand } from "@davit/protocol";
import { head, key, rehearse, restoreOf } from "../rehearsal/rehearse.ts";

type Agent = ReturnType<typeof rehearse>;

function welcomed(given: Parameters<typeof rehearse>[0] = {}): Agent {
	const agent = rehearse(given);
	agent.greet();
	agent.sent.length = 0;
	return agent;
}

function content(agent: Agent): string {
	return readFileSync(join(agent.stage.folder, "content"), "utf8");
}

/** One final report, of this command, and nothing done. */
async function refused(agent: Agent, command: Command, code: string): Promise<void> {
	await agent.core.idle();
	const reports = agent.reports(command.id);
	assert.deepEqual(
		reports.map(({ state, failure }) => [state, failure?.code]),
		[["rejected", code]],
	);
	assert.ok((reports[0]?.failure?.message.length ?? 0) > 20);
	assert.equal(content(agent), "old");
}

/** One report that something was dropped, under an id that no command has, and nothing done. */
async function dropped(agent: Agent, command: Command, code: string): Promise<void> {
	await agent.core.idle();
	assert.deepEqual(
		agent.reports().map(({ state, failure }) => [state, failure?.code]),
		[["rejected", code]],
	);
	assert.deepEqual(agent.reports(command.id), []);
	assert.equal(content(agent), "old");
	assert.equal(agent.syncs().length, 0);
}

test("a retained command is dropped and told of", async () => {
	const agent = welcomed();
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(command, true);
	await dropped(agent, command, "command-retained");
});

test("an oversized command is dropped before anything of it is read", async () => {
	const agent = welcomed();
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(sealCommand(command, key) + " ".repeat(maximumMessageBytes));
	await dropped(agent, command, "command-too-large");
});

test("a truncated command is dropped", async () => {
	const agent = welcomed();
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(sealCommand(command, key).slice(0, -20));
	await dropped(agent, command, "command-malformed");
});

test("a command that somebody else signed is dropped, and cannot end the run whose id it bears", async () => {
	const agent = welcomed();
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	const forger = { id: key.id, privateKey: generateKeyPairSync("ed25519").privateKey };
	agent.receive(sealCommand(command, forger));
	await dropped(agent, command, "command-forged");
});

test("a command whose signed bytes were changed is dropped", async () => {
	const agent = welcomed();
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	const envelope = JSON.parse(sealCommand(command, key));
	const payload = Buffer.from(JSON.stringify({ ...command, fence: 99 })).toString("base64url");
	agent.receive(JSON.stringify({ ...envelope, payload }));
	await dropped(agent, command, "command-forged");
});

test("a command for another host or another site is dropped", async () => {
	for (const foreign of [{ host: HostName.parse("attic") }, { site: SiteName.parse("office") }]) {
		const agent = welcomed();
		const command = restoreOf(agent.stage, agent.clock.nowMs, foreign);
		agent.receive(command);
		await dropped(agent, command, "command-foreign");
	}
});

test("a command of a newer protocol is answered unsupported", async () => {
	const agent = welcomed();
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	// What a newer coordinator would send, which this one's types cannot say.
	agent.receive(sealCommand({ ...command, version: 2 } as unknown as Command, key));
	await dropped(agent, command, "unsupported");
});

test("a command of an earlier life of the coordinator is refused", async () => {
	const agent = welcomed();
	const newer = restoreOf(agent.stage, agent.clock.nowMs, { operation: "path.verify", epoch: 7 });
	agent.receive({ ...newer, params: { path: agent.stage.folder, archive: "0123456789" } });
	await agent.core.idle();
	const command = restoreOf(agent.stage, agent.clock.nowMs, { epoch: 6, fence: 9 });
	agent.receive(command);
	await refused(agent, command, "epoch-stale");
});

test("a command that comes after its start-by time is refused", async () => {
	const agent = welcomed();
	const command = restoreOf(agent.stage, agent.clock.nowMs - 60_001);
	agent.receive(command);
	await refused(agent, command, "command-expired");
});

test("with a clock ten minutes off, what destroys is refused and what reads still works", async () => {
	for (const offsetMs of [600_000, -600_000]) {
		const agent = rehearse();
		agent.greet({}, offsetMs);
		agent.sent.length = 0;
		const coordinatorMs = agent.clock.nowMs + offsetMs;
		const command = restoreOf(agent.stage, coordinatorMs);
		agent.receive(command);
		await refused(agent, command, "clock-skewed");
		const verify = restoreOf(agent.stage, coordinatorMs, { operation: "path.verify" });
		agent.receive({ ...verify, params: { path: agent.stage.folder, archive: "0123456789" } });
		await agent.core.idle();
		assert.equal(agent.reports(verify.id).at(-1)?.state, "succeeded");
	}
});

test("a fence that was seen before is refused, in this life and in the next", async () => {
	const agent = welcomed();
	agent.receive(restoreOf(agent.stage, agent.clock.nowMs, { fence: 5, deadlineSeconds: 1 }));
	await agent.core.idle();
	agent.crash();
	const again = rehearse({ stage: agent.stage, clock: agent.clock });
	again.greet();
	for (const fence of [4, 5]) {
		const command = restoreOf(agent.stage, agent.clock.nowMs, { fence });
		again.receive(command);
		assert.equal(again.reports(command.id)[0]?.failure?.code, "fence-stale");
	}
});

test("a welcome brings the fences that a lost memory forgot", async () => {
	const agent = rehearse();
	agent.greet({ [agent.stage.resource]: 8 });
	const command = restoreOf(agent.stage, agent.clock.nowMs, { fence: 8 });
	agent.receive(command);
	await refused(agent, command, "fence-stale");
});

test("an operation that nobody knows, or a name that objects have by themselves, is unsupported", async () => {
	for (const operation of ["volume.migrate", "constructor", "__proto__", "toString"]) {
		const agent = welcomed();
		const command = restoreOf(agent.stage, agent.clock.nowMs, { operation, fence: 0 });
		agent.receive(command);
		await refused(agent, command, "unsupported");
	}
});

test("parameters that the catalogue does not allow are refused", async () => {
	const agent = welcomed();
	const { stage } = agent;
	const good = { path: stage.folder, archive: "0123456789", plan: "0".repeat(64) };
	const bad: readonly Record<string, unknown>[] = [
		{ ...good, path: `${stage.folder}/../etc` },
		{ ...good, path: "/srv/a\nb" },
		{ ...good, path: 7 },
		{ ...good, archive: "../../etc" },
		{ ...good, plan: undefined },
		{ ...good, force: true },
		{ ...good, path: "/srv/other" },
	];
	for (const params of bad) {
		const command = restoreOf(stage, agent.clock.nowMs, { params });
		agent.receive(command);
		await refused(agent, command, "command-malformed");
	}
});

test("what destroys is refused until the coordinator has greeted this session, and again after a reconnect", async () => {
	const agent = rehearse();
	agent.core.connected("session-1");
	const early = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(early);
	await refused(agent, early, "not-welcome");
	agent.greet();
	agent.core.connected("session-3");
	const late = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(late);
	await refused(agent, late, "not-welcome");
	agent.receive({ ...head(agent.clock.nowMs), kind: "welcome", session: "session-1", fences: {} });
	const still = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(still);
	await refused(agent, still, "not-welcome");
});

test("a resource that another operation holds is refused, and is free when that one has ended", async () => {
	const gate = Promise.withResolvers<void>();
	const agent = welcomed({ disturb: (point) => (point === "run stop" ? gate.promise : undefined) });
	const first = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(first);
	const second = restoreOf(agent.stage, agent.clock.nowMs, { fence: 2 });
	agent.receive(second);
	const refusal = agent.reports(second.id);
	assert.deepEqual(
		refusal.map(({ state, failure }) => [state, failure?.code]),
		[["rejected", "resource-busy"]],
	);
	assert.match(refusal[0]?.failure?.message ?? "", /path\.restore of raaaaaaaa holds it/);
	gate.resolve();
	await agent.core.idle();
	assert.equal(agent.reports(first.id).at(-1)?.state, "succeeded");
	const third = restoreOf(agent.stage, agent.clock.nowMs, { fence: 3 });
	agent.receive(third);
	assert.equal(agent.reports(third.id)[0]?.state, "accepted");
	await agent.core.idle();
});

test("a command that comes again is answered with its last report and not run again", async () => {
	let runs = 0;
	const agent = welcomed({
		disturb: (point) => {
			if (point === "run swap") runs += 1;
		},
	});
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	const text = sealCommand(command, key);
	agent.receive(text);
	await agent.core.idle();
	const last = agent.reports(command.id).at(-1);
	for (let again = 0; again < 50; again += 1) agent.receive(text);
	await agent.core.idle();
	assert.equal(runs, 1);
	assert.deepEqual(agent.reports(command.id).slice(-50), Array(50).fill(last));
});

test("a refused command that comes again gets the same refusal, even when it would now be taken", async () => {
	const agent = rehearse();
	agent.core.connected("session-1");
	const text = sealCommand(restoreOf(agent.stage, agent.clock.nowMs), key);
	agent.receive(text);
	agent.greet();
	agent.receive(text);
	await agent.core.idle();
	assert.deepEqual(
		agent.reports().map(({ state, failure }) => [state, failure?.code]),
		Array(3).fill(["rejected", "not-welcome"]),
	);
	assert.equal(content(agent), "old");
});

test("the same id with other bytes is told of and cannot touch the command that has it", async () => {
	const gate = Promise.withResolvers<void>();
	const agent = welcomed({ disturb: (point) => (point === "run stop" ? gate.promise : undefined) });
	const command = restoreOf(agent.stage, agent.clock.nowMs);
	agent.receive(command);
	agent.sent.length = 0;
	agent.receive({ ...command, fence: 2 });
	await new Promise(setImmediate);
	const alarms = agent.reports().filter(({ command: id }) => id !== command.id);
	assert.deepEqual(
		alarms.map(({ state, failure }) => [state, failure?.code]),
		[["rejected", "command-altered"]],
	);
	gate.resolve();
	await agent.core.idle();
	assert.equal(agent.reports(command.id).at(-1)?.state, "succeeded");
	assert.equal(content(agent), "new");
});

test("a flood of forged messages is told of at most once in ten seconds", () => {
	const agent = welcomed();
	for (let at = 0; at < 1_000; at += 1) agent.receive(`{"payload":"${newId()}"}`);
	assert.equal(agent.reports().length, 1);
	agent.clock.nowMs += 10_000;
	agent.receive("nonsense");
	assert.equal(agent.reports().length, 2);
});
