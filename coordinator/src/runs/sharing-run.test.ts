import assert from "node:assert/strict";
import { test } from "node:test";
import { instantOf, ResourceId } from "@davit/protocol";
import { addSchedule } from "../desk/schedules.ts";
import { grafana, nas, operator, Stage } from "../testing/stage.ts";

const [media, photos, other] = ["stack:media", "stack:photos", "volume:other"].map((id) =>
	ResourceId.parse(id),
) as [ResourceId, ResourceId, ResourceId];

/** Two stacks that share a volume, and a volume that is in neither. */
function open(): Stage {
	const stage = new Stage();
	stage.host(nas);
	stage.receive(stage.topics.inventory(nas), {
		...{ version: 1, host: nas, containers: [], truncated: false, at: instantOf(stage.nowMs) },
		resources: [media, photos, grafana, other].map((id) => ({
			...{ id, anonymous: false, consistency: "paused", users: [] },
			...(id.startsWith("stack:") ? { covers: [grafana] } : {}),
		})),
	});
	return stage;
}

const ofStack = { operation: "stack.backup", params: { stack: "media" } };

test("a volume is refused while its stack is at work, with who holds it; what reads archives alone and other volumes are not", () => {
	using stage = open();
	const { run } = stage.ask(ofStack);
	const refused = stage.ask();
	assert.equal(refused.failure?.code, "resource-busy");
	assert.equal(
		refused.failure?.message,
		`volume.backup of nas/${grafana} cannot begin: stack.backup (${run}) holds it as a part of ${media}`,
	);
	assert.match(refused.failure?.hint ?? "", new RegExp(`davit cancel ${run}`));
	assert.equal(stage.ask({ operation: "volume.drill" }).outcome, "accepted");
	assert.equal(stage.ask({ params: { volume: "other" } }).outcome, "accepted");
});

test("a stack is sent to its host while a part or another stack is at work, and waits there", () => {
	using stage = open();
	stage.ask();
	assert.equal(stage.ask(ofStack).outcome, "accepted");
	assert.equal(stage.ask({ ...ofStack, params: { stack: "photos" } }).outcome, "accepted");
	assert.deepEqual(
		stage.begun().map(({ resource }) => resource),
		[grafana, media, photos],
	);
});

test("a schedule begins neither a volume while its stack is at work nor a stack while a volume of it is", () => {
	for (const [busy, due] of [
		[ofStack, grafana],
		[{}, media],
	] as const) {
		using stage = open();
		const plan = { cron: "0 3 * * *", timeZone: "UTC", jitterSeconds: 0 };
		addSchedule(stage.core.parts, { name: "nightly", target: `nas/${due}`, ...plan }, operator);
		stage.jump(15 * 3600 - 1);
		stage.ask(busy);
		stage.pass(5);
		assert.deepEqual(
			stage.begun().map(({ resource }) => resource === due),
			[false],
		);
		stage.report(stage.lastCommand().id, { state: "failed", sequence: 1 });
		stage.pass(2);
		assert.equal(stage.lastCommand().resource, due);
	}
});
