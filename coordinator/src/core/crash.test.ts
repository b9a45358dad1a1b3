import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { newId, RequestId, type RunId } from "@davit/protocol";
import { FakeHost } from "../testing/fake-host.ts";
import { cutPower, PowerCut } from "../testing/power-cut.ts";
import { archive, grafana, nas, Stage, startMs } from "../testing/stage.ts";

const request = RequestId.parse(newId());

/** Presses once, again with the same id after each power cut, and works until everything is quiet. */
function press(file: string, dieAt: number): { writes: number; died: boolean; run: RunId; host: FakeHost } {
	const host = new FakeHost([grafana]);
	const cut = cutPower(dieAt);
	let nowMs = startMs;
	for (let life = 0; life < 3; life += 1) {
		let stage: Stage | undefined;
		try {
			stage = new Stage({ file, nowMs, onWrite: cut.onWrite });
			host.connect(stage);
			stage.archives(nas, grafana, [archive(startMs - 1000)]);
			const response = stage.ask({ id: request });
			assert.ok(response.run, JSON.stringify(response));
			for (let second = 0; second < 10; second += 1) {
				stage.pass(1);
				host.work(stage);
			}
			const found = stage.core.parts.runs.find(response.run);
			assert.equal(found?.run.state, "succeeded");
			assert.equal(stage.core.parts.runs.open().length, 0);
			assert.equal(stage.core.parts.history.runs.list({ limit: 10, offset: 0 }).total, 1);
			return { writes: cut.writes, died: cut.died, run: response.run, host };
		} catch (error) {
			if (!(error instanceof PowerCut)) throw error;
		} finally {
			nowMs = (stage?.nowMs ?? nowMs) + 1000;
			stage?.[Symbol.dispose]();
		}
	}
	throw new Error("it never came through");
}

test("a coordinator that dies at any write, before or after its commit, loses nothing and does nothing twice", () => {
	const folder = mkdtempSync(join(tmpdir(), "davit-crash-"));
	try {
		const { writes } = press(join(folder, "quiet.sqlite"), 0);
		assert.ok(writes > 10, `only ${writes} places to die`);
		for (let dieAt = 1; dieAt <= writes; dieAt += 1) {
			const { died, run, host } = press(join(folder, `${dieAt}.sqlite`), dieAt);
			assert.ok(died, `it did not die at ${dieAt}`);
			assert.deepEqual([...host.begun.values()], [{ run, resource: grafana }], `died at ${dieAt}`);
		}
	} finally {
		rmSync(folder, { recursive: true });
	}
});
