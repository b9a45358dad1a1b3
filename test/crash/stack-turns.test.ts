import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { DrillResult, resourceId } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openScene, operator, type Scene } from "./open-scene.ts";
import { openStackLane, type StackLane } from "./open-stack-lane.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(200_000);

suite("a real agent that is asked for a stack and for a volume of it at once", {
	skip: unavailable ?? false,
}, () => {
	let scene: Scene;
	let lane: StackLane;

	before(async () => {
		scene = await openScene(signal);
		lane = await openStackLane(scene, "turns");
		const data = join(scene.host.dataRoot, "volumes", lane.volume, "_data");
		await writeFile(join(data, "bulk"), randomBytes(48 * 1024 * 1024));
	});
	after(async () => {
		await lane?.[Symbol.asyncDispose]();
		await scene?.[Symbol.asyncDispose]();
	});

	test("the stack waits for the volume, the volume is refused while the stack is at work, and both are whole", async () => {
		const volume = lane.ask("volume.backup", { volume: lane.volume, consistency: "stopped" });
		const stack = lane.askStack("stack.backup", { consistency: "stopped", images: false });
		const { desk } = scene;
		await pollUntil(() => desk.run(stack).run.progress?.step === "wait" || lane.hasEnded(stack), {
			...{ what: "the stack to wait", timeoutMs: 20_000, intervalMs: 5, signal },
		});
		assert.equal(lane.hasEnded(volume), false, "it did not wait for a backup that was under way");
		assert.deepEqual(await lane.ended(volume).then(({ state }) => state), "succeeded");
		const { host } = lane.place;
		const operation = "volume.backup";
		const request = { version: 1, host, operation, params: { volume: lane.volume } } as const;
		const refused = desk.ask(request, operator);
		assert.equal(lane.hasEnded(stack), false, "the stack had ended before it was asked");
		assert.match(
			refused.failure?.message ?? "",
			/cannot begin: stack\.backup \(\w+\) holds it as a part of stack:turns$/,
		);
		const { state, result } = await lane.ended(stack);
		assert.equal(state, "succeeded", JSON.stringify(result));
		await lane.requireServing();
		assert.equal(
			(await lane.ended(lane.ask("volume.backup", { volume: lane.volume }))).state,
			"succeeded",
			"it is free",
		);
	});

	test("its plan and its drill come over the wire, and the drill is its last proven restore", async () => {
		const { desk } = scene;
		const { host } = lane.place;
		const resource = resourceId({ kind: "stack", stack: lane.stack });
		const plan = await desk.preview({ host, resource, choice: {} }, operator, signal);
		assert.deepEqual([plan.blockers, plan.holds.length], [[], 1]);
		const run = await lane.ended(lane.askStack("stack.drill"));
		assert.equal(run.state, "succeeded", JSON.stringify(run.failure));
		const { drilledAt } = DrillResult.parse(run.result);
		const row = () => desk.resources({ host }).items.find((known) => known.resource === resource);
		await pollUntil(() => JSON.stringify(row()).includes(drilledAt), {
			...{ what: "the proof to be shown", timeoutMs: 10_000, signal, explain: () => JSON.stringify(row()) },
		});
		await lane.requireQuietJournal();
	});
});
