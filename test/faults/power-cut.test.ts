import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { OperationContext, Step } from "@davit/agents/operation.ts";
import { type OperationName, type Params, resourceId } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { comeBack, cutPower, type Remains } from "../lab/fault/cut-power.ts";
import { type DiskRig, openDiskRig, prepare } from "./open-disk-rig.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(240_000);

suite("a power cut after any step", { skip: unavailable ?? false }, () => {
	test("of a backup leaves the whole archive or none", async () => {
		await using scene = await openDiskRig(signal);
		await scene.fill("data");
		const before = await scene.read();
		const context = scene.rig.context();
		const { cuts, steps } = await runAndCut("path.backup", { path: scene.path }, { scene, context });
		const outcomes = new Set<string>();
		for (const { remains, name } of cuts) {
			await comeBack(scene.disk, remains, signal);
			await recover(steps(), name);
			assert.deepEqual(await scene.read(), before);
			await context.archives.sweep(new Set());
			const found = await context.archives.list(resourceId({ kind: "path", path: scene.path }));
			for (const { id } of found) await context.archives.verify(id, { signal });
			assert.ok(found.length <= 1);
			outcomes.add(`${found.length}`);
			if (name === "done")
				assert.deepEqual(
					found.map(({ proof }) => proof.includes("verified")),
					[true],
				);
		}
		assert.deepEqual([...outcomes].sort(), ["0", "1"]);
	});

	test("of a restore leaves all of the old data or all of the archive's", async () => {
		await using scene = await openDiskRig(signal);
		await scene.fill("wanted");
		const wanted = await scene.read();
		const archive = await scene.backUp();
		await scene.fill("old");
		const old = await scene.read();
		const context = scene.rig.context();
		const params = await scene.planned(archive);
		const { cuts, steps } = await runAndCut("path.restore", params, { scene, context });
		for (const { remains, name } of cuts) {
			await comeBack(scene.disk, remains, signal);
			const isNew = await recover(steps(), name);
			assert.deepEqual(await scene.read(), isNew ? wanted : old, `after ${name}`);
			await context.archives.verify(archive, { signal });
		}
		assert.ok(cuts.length >= 5);
	});
});

interface Cut {
	/** The step that ran last, or `done`. */
	readonly name: string;
	readonly remains: Remains;
}

/** Runs an operation, and keeps after each step what a power cut would leave. */
async function runAndCut<Name extends OperationName>(
	operation: Name,
	params: Params<Name>,
	{ scene, context }: { readonly scene: DiskRig; readonly context: OperationContext },
): Promise<{ cuts: Cut[]; steps: () => readonly Step[] }> {
	const steps = await prepare(operation, params, { context, signal });
	const cuts: Cut[] = [];
	const running = steps();
	for (const step of running) {
		await step.run(signal);
		const name = step === running.at(-1) ? "done" : step.name;
		cuts.push({ name, remains: await cutPower(scene.disk) });
	}
	return { cuts, steps };
}

/** What the agent's next life does: forward from what the commit point made, else back. Whether it went forward. */
async function recover(steps: readonly Step[], last: string): Promise<boolean> {
	const lastIndex = last === "done" ? steps.length - 1 : steps.findIndex(({ name }) => name === last);
	const commit = steps.findIndex(({ commits }) => commits === true);
	if (commit !== -1 && commit <= lastIndex) {
		assert.equal(await steps[commit]?.probe(), "complete", "what the commit point made is there");
		for (const step of steps.slice(lastIndex + 1)) {
			if ((await step.probe()) !== "complete") await step.run(signal);
		}
		return true;
	}
	if (last !== "done") for (const step of steps.slice(0, lastIndex + 1).toReversed()) await step.undo();
	return false;
}
