import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeParts, newId, RequestId, ResourceId, type RunDocument, type RunId } from "@davit/protocol";
import { cancelRun } from "../desk/cancel.ts";
import { runDocument } from "../documents/details.ts";
import { openDatabase } from "../history/database.ts";
import { schema } from "../history/schema.ts";
import { FakeHost } from "../testing/fake-host.ts";
import { cutPower, PowerCut } from "../testing/power-cut.ts";
import { operator, Stage, startMs } from "../testing/stage.ts";

const request = RequestId.parse(newId());
const resources = ["one", "two", "three"].map((name) => ResourceId.parse(`volume:${name}`));
const broken = ResourceId.parse("volume:two");

interface Story {
	/** At the n-th moment around a write, from 1 on; 0 = never. */
	readonly dieAt: number;
	readonly isCancelled: boolean;
}

/**
 * Presses once, again with the same id after the power cut, and works until everything is quiet. What somebody was told before it
 * stays true after it.
 */
function press({ dieAt, isCancelled }: Story) {
	const database = openDatabase(":memory:", schema);
	const host = new FakeHost(resources, [broken]);
	const told = new Set<RunId>();
	const cut = cutPower(dieAt);
	let nowMs = startMs;
	for (let life = 0; life < 3; life += 1) {
		let stage: Stage | undefined;
		try {
			stage = new Stage({ database, nowMs, onWrite: cut.onWrite });
			host.connect(stage);
			const { run } = stage.ask({ id: request, operation: "host.backup", params: { host: "nas" } });
			assert.ok(run);
			told.add(run);
			assert.equal(told.size, 1);
			// Before the first tick of this life: what the last one began it may not have written down.
			if (isCancelled && life > 0) cancelIfOpen(stage, run);
			for (let second = 0; second < 14; second += 1) {
				stage.pass(1);
				look(stage, run);
				if (isCancelled && second === 2) cancelIfOpen(stage, run);
				host.work(stage);
				look(stage, run);
			}
			assert.deepEqual([stage.core.parts.runs.open(), stage.core.parts.runs.openWholes()], [[], []]);
			return { writes: cut.writes, died: cut.died, host, document: runDocument(stage.core.parts, run) };
		} catch (error) {
			if (!(error instanceof PowerCut)) throw error;
		} finally {
			nowMs = (stage?.nowMs ?? nowMs) + 1000;
			stage?.[Symbol.dispose]();
		}
	}
	throw new Error("it never came through");
}

function cancelIfOpen(stage: Stage, run: RunId): void {
	if (runDocument(stage.core.parts, run).cancel !== null) cancelRun(stage.core, run, operator);
}

/** At no moment is a whole called ended, or succeeded, that is not so by its parts. */
function look(stage: Stage, run: RunId): void {
	const { run: whole, parts = [] } = runDocument(stage.core.parts, run);
	const follows = judgeParts(parts.map(({ state }) => state));
	if (whole.endedAt !== undefined) assert.equal(whole.state, follows);
	assert.notEqual(whole.state, "succeeded", "one part always fails");
}

function playAll(isCancelled: boolean, judge: (document: RunDocument, host: FakeHost, what: string) => void) {
	const { writes } = press({ dieAt: 0, isCancelled });
	assert.ok(writes > 25, `only ${writes} places to die`);
	for (let dieAt = 1; dieAt <= writes; dieAt += 1) {
		const { died, host, document } = press({ dieAt, isCancelled });
		assert.ok(died, `it did not die at ${dieAt}`);
		judge(document, host, `died at ${dieAt}`);
	}
}

test("a coordinator that dies at any write goes on with a whole: each part once, and the end follows from them", () => {
	playAll(false, ({ run, parts = [] }, host, what) => {
		const begun = [...host.begun.values()];
		assert.deepEqual(begun.map(({ resource }) => resource).sort(), [...resources].sort(), what);
		assert.deepEqual(begun.map((one) => one.run).sort(), parts.map((part) => part.run?.run).sort(), what);
		assert.deepEqual(
			parts.map(({ state }) => state),
			["succeeded", "succeeded", "failed"],
			what,
		);
		assert.equal(run.state, "partial", what);
	});
});

test("a coordinator that dies at any write around a cancel leaves no part going that the whole does not know", () => {
	playAll(true, ({ run, parts = [] }, host, what) => {
		const known = parts.flatMap((part) => part.run?.run ?? []);
		for (const begun of host.begun.values()) assert.ok(known.includes(begun.run), what);
		assert.equal(run.state, judgeParts(parts.map(({ state }) => state)), what);
		assert.equal(
			new Set([...host.begun.values()].map(({ resource }) => resource)).size,
			host.begun.size,
			what,
		);
	});
});
