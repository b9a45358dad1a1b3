import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { after, before, test } from "node:test";
import {
	HostName,
	instantOf,
	maximumMessageBytes,
	ResourceId,
	type RunCommand,
	sealCommand,
} from "@davit/protocol";
import { type LoneAgent, openLoneAgent } from "./open-lone-agent.ts";
import { assertTold, rowOf, toldIn } from "./read-page.ts";

// What comes on the topic of commands and is not to be obeyed. Each is a prune that would remove an archive.

const life = new AbortController();
let agent: LoneAgent;
let archives: readonly string[];

before(async () => {
	agent = await openLoneAgent(life.signal);
	await agent.start();
	for (let taken = 0; taken < 2; taken += 1)
		await obeyed({ operation: "path.backup", params: { path: agent.folder } });
	archives = await agent.archives();
	assert.equal(archives.length, 2);
});

after(async () => {
	await agent[Symbol.asyncDispose]();
	life.abort();
});

async function obeyed(changes: Partial<RunCommand>): Promise<RunCommand> {
	const command = agent.command(changes);
	await agent.send(command);
	const { state, failure } = await agent.final(command.id);
	assert.equal(state, "succeeded", failure?.message);
	return command;
}

/** One final report that says why, and nothing done. */
async function refused(input: string, changes: Partial<RunCommand>): Promise<void> {
	const command = agent.command(changes);
	await agent.send(command);
	const { state, failure } = await agent.final(command.id);
	assert.equal(state, "rejected", input);
	assertTold(input, toldIn(failure));
	assert.deepEqual(await agent.archives(), archives, input);
}

/** A report under an id that no command has, none of the command that was named, and nothing done. */
async function dropped(input: string, command: RunCommand, message = agent.seal(command)): Promise<void> {
	await agent.send(message);
	assertTold(input, toldIn((await agent.alarm(rowOf(input).code)).failure));
	assert.deepEqual(agent.reports(command.id), [], input);
	assert.deepEqual(await agent.archives(), archives, input);
}

test("a command that cannot be believed is dropped and told of under an id of its own", async () => {
	const prune = () => agent.command();
	let command = prune();
	await dropped("truncated command", command, agent.seal(command).slice(0, -20));
	command = prune();
	const padding = " ".repeat(maximumMessageBytes);
	await dropped("oversized command", command, agent.seal(command) + padding);
	command = prune();
	const forger = { id: "test", privateKey: generateKeyPairSync("ed25519").privateKey };
	await dropped("forged command", command, sealCommand(command, forger));
	command = agent.command({ host: HostName.parse("attic") });
	await dropped("command for another host", command);
	// What a newer coordinator would send, which this one's types cannot say.
	const newer = { ...prune(), version: 2 } as unknown as RunCommand;
	await dropped("command of a newer protocol", newer);
});

test("a command that comes too late or from an earlier life is refused, and says so once", async () => {
	const lateMs = Date.now() - 1_000;
	await refused("expired command", { startBy: instantOf(lateMs) });
	await refused("command of an older epoch", { epoch: agent.life.epoch - 1 });
	await obeyed({
		operation: "path.prune",
		params: { path: agent.folder, policy: { last: 2, graceSeconds: 0 } },
		fence: 5_000,
	});
	await refused("command with an older fence", { fence: 5_000 });
});

test("a command that asks for what does not exist is refused", async () => {
	await refused("operation that does not exist", { operation: "path.shred" });
	await refused("parameter of a wrong type", {
		params: { path: agent.folder, keepLast: "all" },
		fence: 5_001,
	});
	await refused("parameters of another resource", {
		...{ resource: ResourceId.parse("volume:photos"), fence: 5_002 },
	});
	const unknown = { path: agent.folder, archive: "0123456789" };
	const command = agent.command({ operation: "path.verify", params: unknown });
	await agent.send(command);
	assertTold("archive that the host does not have", toldIn((await agent.final(command.id)).failure));
});

test("a command that is replayed is answered with its last report and not carried out again", async () => {
	const command = await obeyed({ operation: "path.backup", params: { path: agent.folder } });
	const made = await agent.archives();
	assert.equal(made.length, 3);
	await agent.send(command);
	const isAgain = () => agent.reports(command.id).filter(({ state }) => state === "succeeded").length > 1;
	await agent.report(isAgain);
	const [first, ...again] = agent.reports(command.id).filter(({ state }) => state === "succeeded");
	for (const report of again) assert.deepEqual(report, first);
	assert.deepEqual(await agent.archives(), made);
	archives = made;
});

test("the same id with other bytes is told of and touches neither command", async () => {
	const command = await obeyed({ operation: "path.verify", params: await verifyParams() });
	const reports = agent.reports(command.id).length;
	const altered = agent.command({ id: command.id });
	await agent.send(altered);
	assertTold("same id with other bytes", toldIn((await agent.alarm("command-altered")).failure));
	assert.ok(
		agent
			.reports(command.id)
			.slice(reports)
			.every(({ state }) => state === "succeeded"),
	);
	assert.deepEqual(await agent.archives(), archives);
});

test("a resource that another operation holds is not touched by a second one", async () => {
	const first = agent.command({ operation: "path.backup", params: { path: agent.folder }, fence: 5_010 });
	const second = agent.command({ fence: 5_011 });
	// One after the other on one connection: the agent hears the second while it begins the first.
	await Promise.all([agent.send(first), agent.send(second)]);
	const { state, failure } = await agent.final(second.id);
	assert.equal(state, "rejected");
	assertTold("command for a resource that is held", toldIn(failure));
	assert.equal((await agent.final(first.id)).state, "succeeded");
	archives = await agent.archives();
	assert.equal(archives.length, 4);
});

test("with clocks ten minutes apart nothing is destroyed", async () => {
	for (const [input, clockOffsetMs] of [
		["command on a host whose clock is 10 minutes behind", 600_000],
		["command on a host whose clock is 10 minutes ahead", -600_000],
	] as const) {
		await agent.stop();
		agent.life.clockOffsetMs = clockOffsetMs;
		await agent.start();
		await refused(input, { fence: 6_000 });
		await obeyed({ operation: "path.verify", params: await verifyParams() });
	}
	await agent.stop();
	agent.life.clockOffsetMs = 0;
});

test("a retained command is dropped when the agent comes", async () => {
	const command = agent.command({ fence: 7_000 });
	await agent.send(command, { retain: true });
	await agent.start();
	assertTold("retained command", toldIn((await agent.alarm("command-retained")).failure));
	assert.deepEqual(agent.reports(command.id), []);
	assert.deepEqual(await agent.archives(), archives);
	await agent.send("", { retain: true });
	await agent.stop();
});

test("nothing is destroyed before the coordinator has greeted the agent", async () => {
	agent.life.greets = false;
	await agent.start();
	await refused("command before the greeting", { fence: 7_001 });
	await agent.stop();
	agent.life.greets = true;
});

test("the same prune, well made, is obeyed", async () => {
	await agent.start();
	await obeyed({ fence: 8_000 });
	assert.equal((await agent.archives()).length, 1);
});

async function verifyParams(): Promise<RunCommand["params"]> {
	const [newest = ""] = (await agent.archives()).toReversed();
	return { path: agent.folder, archive: newest.slice(newest.lastIndexOf("-") + 1) };
}
