import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isFinal, type RunCommand, sealCommand } from "@davit/protocol";
import { lockHolder } from "../journal/locks.ts";
import {
	Crash,
	key,
	type Rehearsed,
	rehearse,
	restoreOf,
	type Stage,
	setStage,
} from "../rehearsal/rehearse.ts";
import type { Disturb } from "../rehearsal/toy-operations.ts";

interface Life extends Pick<Rehearsed, "disturb"> {
	readonly stage: Stage;
	readonly text: string;
	readonly clock: { nowMs: number };
	/** The journal write to die at, counted from 0; undefined lives on. */
	readonly dieAt?: number | undefined;
}

interface Lived {
	readonly points: readonly string[];
	readonly died: boolean;
	readonly agent: ReturnType<typeof rehearse> | undefined;
}

/** One life of an agent: it opens its journal, recovers, is greeted, and gets the command, which its coordinator sends until it is done. */
async function live({ stage, text, clock, dieAt, disturb }: Life): Promise<Lived> {
	const points: string[] = [];
	let agent: ReturnType<typeof rehearse> | undefined;
	let died = false;
	const onWrite = (point: string): void => {
		// A dead process writes nothing more.
		if (died) throw new Crash("still dead");
		points.push(point);
		if (points.length - 1 !== dieAt) return;
		died = true;
		agent?.core.abandon(new Crash(point));
		throw new Crash(point);
	};
	try {
		agent = rehearse({ stage, clock, onWrite, ...(disturb === undefined ? {} : { disturb }) });
		agent.core.start();
		agent.greet();
		agent.receive(text);
		await agent.core.idle();
	} catch (error) {
		if (!(error instanceof Crash)) throw error;
	}
	if (!died) return { points, died, agent };
	await agent?.core.idle();
	agent?.crash();
	return { points, died, agent: undefined };
}

/** What must hold in the end, however often it died. */
function requireSound({ agent }: Lived, stage: Stage, command: RunCommand): "old" | "new" {
	assert.ok(agent !== undefined);
	const content = readFileSync(join(stage.folder, "content"), "utf8");
	const finals = new Set(
		agent
			.reports(command.id)
			.filter(({ state }) => isFinal(state))
			.map((report) => JSON.stringify(report)),
	);
	assert.equal(finals.size, 1, "one final report, however often it is sent");
	const { state, failure } = JSON.parse([...finals][0] ?? "");
	const expected = content === "new" ? ["succeeded", undefined] : ["failed", "interrupted"];
	assert.deepEqual([state, failure?.code], expected);
	assert.ok(existsSync(join(stage.folder, "running")), "the writer runs again");
	const names = readdirSync(stage.folder);
	assert.deepEqual(
		names.filter((name) => name.startsWith(".davit-new-")),
		[],
	);
	assert.equal(names.filter((name) => name.startsWith(".davit-undo-")).length, content === "new" ? 1 : 0);
	assert.equal(
		agent.journal.read((database) => lockHolder(database, stage.resource)),
		undefined,
	);
	assert.deepEqual(agent.fatal, []);
	agent.crash();
	return content === "new" ? "new" : "old";
}

function script(): { stage: Stage; command: RunCommand; text: string; clock: { nowMs: number } } {
	const stage = setStage();
	const clock = { nowMs: Date.UTC(2026, 10, 22) };
	const command = restoreOf(stage, clock.nowMs);
	return { stage, command, text: sealCommand(command, key), clock };
}

async function countPoints(disturb?: Disturb): Promise<readonly string[]> {
	const { stage, text, clock } = script();
	const { points, agent } = await live({ stage, text, clock, ...(disturb === undefined ? {} : { disturb }) });
	agent?.crash();
	return points;
}

test("killed at every journal write, twice in a row, it ends with old or new data and one true report", async () => {
	const points = await countPoints();
	assert.ok(points.length >= 32, points.join(", "));
	let lives = 0;
	const outcomes = { old: 0, new: 0 };
	for (const first of points.keys()) {
		for (let second = 0; ; second += 1) {
			const { stage, command, text, clock } = script();
			const one = await live({ stage, text, clock, dieAt: first });
			assert.ok(one.died, `the first death at ${points[first]} did not happen`);
			const two = await live({ stage, text, clock, dieAt: second });
			const last = two.died ? await live({ stage, text, clock }) : two;
			lives += 1;
			outcomes[requireSound(last, stage, command)] += 1;
			// A second life that outlived its death has fewer writes than that.
			if (!two.died) break;
		}
	}
	assert.ok(lives > points.length * 5, `only ${lives} pairs of deaths`);
	assert.ok(outcomes.old > 50 && outcomes.new > 50, JSON.stringify(outcomes));
});

test("killed at every journal write of an operation that fails and is undone, it ends with old data", async () => {
	const disturb: Disturb = (point) => {
		if (point === "run swap") throw new Error("the disk is gone");
	};
	const points = await countPoints(disturb);
	assert.ok(points.includes("before undone stop"), points.join(", "));
	for (const first of points.keys()) {
		const { stage, command, text, clock } = script();
		const one = await live({ stage, text, clock, dieAt: first, disturb });
		assert.ok(one.died);
		const { agent } = await live({ stage, text, clock, disturb });
		assert.ok(agent !== undefined);
		const finals = agent.reports(command.id).filter(({ state }) => isFinal(state));
		assert.equal(finals[0]?.state, "failed");
		assert.equal(readFileSync(join(stage.folder, "content"), "utf8"), "old");
		assert.ok(existsSync(join(stage.folder, "running")));
		agent.crash();
	}
});

test("killed between an effect and the word that it is done, it recognises the effect", async () => {
	for (const [name, expected] of [
		["unpack", "old"],
		["stop", "old"],
		["swap", "new"],
		["keep", "new"],
		["start", "new"],
	] as const) {
		const { stage, command, text, clock } = script();
		const points = await countPoints();
		const one = await live({ stage, text, clock, dieAt: points.indexOf(`before done ${name}`) });
		assert.ok(one.died);
		const last = await live({ stage, text, clock });
		assert.equal(requireSound(last, stage, command), expected);
	}
});

test("an operation that was taken up more than five times becomes inconsistent and keeps its lock", async () => {
	const { stage, command, text, clock } = script();
	const points = await countPoints();
	await live({ stage, text, clock, dieAt: points.indexOf("after intent stop") });
	for (let load = 1; load <= 5; load += 1) {
		// It dies right after it counted the load.
		const { points: lived } = await live({ stage, text, clock, dieAt: 3 });
		assert.deepEqual(lived.slice(2), ["before load", "after load"]);
	}
	const { agent } = await live({ stage, text, clock });
	assert.ok(agent !== undefined);
	const report = agent.reports(command.id).find(({ state }) => isFinal(state));
	assert.equal(report?.state, "inconsistent");
	assert.match(report?.failure?.message ?? "", /taken up 6 times/);
	const next = restoreOf(stage, clock.nowMs, { fence: 2 });
	agent.receive(next);
	const refusal = agent.reports(next.id)[0]?.failure;
	assert.equal(refusal?.code, "resource-busy");
	assert.match(refusal?.message ?? "", /left it inconsistent and keeps it locked/);
	agent.crash();
});

test("a crash in a reading is reported as interrupted, and the next one is taken", async () => {
	const { stage, clock } = script();
	const command = restoreOf(stage, clock.nowMs, { operation: "path.verify" });
	const text = sealCommand({ ...command, params: { path: stage.folder, archive: "0123456789" } }, key);
	const { points } = await live({ stage, text, clock, dieAt: 7 });
	assert.equal(points.at(-1), "after start");
	const { agent } = await live({ stage, text, clock });
	const last = agent?.reports(command.id).findLast(({ state }) => isFinal(state));
	assert.deepEqual([last?.state, last?.failure?.code], ["failed", "interrupted"]);
	agent?.crash();
});

test("what was accepted and not begun starts after a restart while there is time, and is refused after it", async () => {
	for (const [lateMs, expected] of [
		[0, ["succeeded", undefined]],
		[60_001, ["rejected", "command-expired"]],
	] as const) {
		const { stage, command, text, clock } = script();
		const { points } = await live({ stage, text, clock, dieAt: 5 });
		assert.equal(points.at(-1), "after accept");
		clock.nowMs += lateMs;
		const { agent } = await live({ stage, text, clock });
		const last = agent?.reports(command.id).findLast(({ state }) => isFinal(state));
		assert.deepEqual([last?.state, last?.failure?.code], expected);
		assert.equal(
			agent?.journal.read((database) => lockHolder(database, stage.resource)),
			undefined,
		);
		agent?.crash();
	}
});
