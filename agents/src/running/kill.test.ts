import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { isFinal } from "@davit/protocol";
import { lockHolder } from "../journal/locks.ts";
import { openOperations } from "../journal/operations.ts";
import { rehearse, restoreOf, setStage } from "../rehearsal/rehearse.ts";

const child = join(import.meta.dirname, "..", "rehearsal", "live-until-killed.ts");
/** Writes of an undisturbed life, before and after: see the crash tests, which die at each of them. */
const writes = 36;
const everyNth = 3;

test("a process that is truly killed in the middle leaves a journal that the next one ends well from", async () => {
	let [kills, taken] = [0, 0];
	for (let dieAt = 4; dieAt < writes; dieAt += everyNth) {
		const stage = setStage();
		const clock = { nowMs: Date.UTC(2026, 10, 22) };
		const command = restoreOf(stage, clock.nowMs);
		const orders = { home: stage.home, folder: stage.resource, command, dieAt };
		const killed = spawn(process.execPath, [child, JSON.stringify(orders)], { stdio: "inherit" });
		const [, signal] = await once(killed, "exit");
		if (signal !== "SIGKILL") {
			assert.ok(dieAt > 30, `it lived through write ${dieAt}`);
			break;
		}
		kills += 1;
		const agent = rehearse({ stage, clock });
		const wasTaken = agent.journal.read(openOperations).length > 0;
		agent.core.start();
		agent.greet();
		await agent.core.idle();
		const content = readFileSync(join(stage.folder, "content"), "utf8");
		const finals = agent.reports(command.id).filter(({ state }) => isFinal(state));
		if (wasTaken) {
			taken += 1;
			assert.equal(new Set(finals.map((report) => JSON.stringify(report))).size, 1);
			assert.equal(finals[0]?.state === "succeeded" ? "new" : "old", content);
		}
		assert.ok(existsSync(join(stage.folder, "running")));
		assert.deepEqual(
			readdirSync(stage.folder).filter((name) => name.startsWith(".davit-new-")),
			[],
		);
		assert.equal(
			agent.journal.read((database) => lockHolder(database, stage.resource)),
			undefined,
		);
		agent.crash();
	}
	assert.ok(kills >= 8, `only ${kills} processes were killed`);
	assert.ok(taken >= 6, `only ${taken} of them had begun`);
});
