import assert from "node:assert/strict";
import { test } from "node:test";
import { newId, PrincipalName, RequestId, ResourceId } from "@davit/protocol";
import { archive, attic, grafana, homeAssistant, nas, operator, Stage, schedule } from "../testing/stage.ts";

test("a backup is recorded, answered and commanded at once", () => {
	using stage = new Stage();
	stage.host(nas);
	const response = stage.ask({}, homeAssistant);
	assert.equal(response.outcome, "accepted");
	const command = stage.lastCommand();
	assert.equal(command.run, response.run);
	assert.equal(command.operation, "volume.backup");
	assert.equal(command.resource, grafana);
	assert.equal(stage.status()?.["backup"], "requested");
	assert.equal(stage.retained(stage.topics.run(command.run))?.["askedBy"], "home-assistant");
});

test("Home Assistant may back up and verify, and nothing else", () => {
	using stage = new Stage();
	stage.host(nas);
	const refused = ["volume.restore", "volume.undo", "volume.prune", "volume.plan"].map((operation) => {
		const params = {
			volume: "grafana-data",
			...(operation.endsWith("restore") ? { archive: "0123456789", plan: "0".repeat(64) } : {}),
			...(operation.endsWith("undo") ? { plan: "0".repeat(64) } : {}),
			...(operation.endsWith("prune") ? { keepLast: 1 } : {}),
			...(operation.endsWith("plan") ? { action: { action: "undo" } } : {}),
		};
		return stage.ask({ operation, params }, homeAssistant).failure?.code;
	});
	assert.deepEqual(refused, ["not-allowed", "not-allowed", "not-allowed", "not-allowed"]);
	assert.equal(stage.ask({}, PrincipalName.parse("somebody")).failure?.code, "not-allowed");
	assert.deepEqual(stage.runCommands(), []);
});

test("a wrong name is answered with the names that may have been meant", () => {
	using stage = new Stage();
	stage.host(nas);
	const host = stage.ask({ host: attic });
	assert.equal(host.failure?.code, "host-not-found");
	const resource = stage.ask({ params: { volume: "grafana-dta" } });
	assert.equal(resource.failure?.code, "resource-not-found");
	assert.match(resource.failure?.hint ?? "", /nas\/volume:grafana-data/);
});

test("what cannot be a name, an operation or a parameter is refused and begins nothing", () => {
	using stage = new Stage();
	stage.host(nas);
	const bad = [
		...[{ params: { volume: "a/b" } }, { params: { volume: "a\nb" } }, { params: { volume: ".." } }],
		...[{ params: {} }, { params: { volume: 7 } }, { params: { volume: "grafana-data", more: 1 } }],
		...[{ operation: "path.backup", params: { path: "/srv/../etc" } }],
	];
	for (const request of bad) {
		assert.equal(stage.ask(request).failure?.code, "request-malformed", JSON.stringify(request));
	}
	assert.equal(stage.ask({ operation: "volume.explode" }).failure?.code, "unsupported");
	assert.equal(stage.ask({ operation: "constructor" }).failure?.code, "unsupported");
	assert.deepEqual(stage.runCommands(), []);
});

test("a press on a host that is away is refused at once, says why, and stays until the next one is taken", () => {
	using stage = new Stage();
	stage.host(nas);
	stage.presence(nas, "offline");
	stage.pass(6);
	const response = stage.ask({}, homeAssistant);
	assert.equal(response.failure?.code, "host-offline");
	assert.equal(stage.status()?.["backup"], "rejected");
	assert.match(String(stage.status()?.["reason"]), /not connected/);
	stage.presence(nas, "online", "s2");
	assert.equal(stage.status()?.["backup"], "rejected");
	assert.equal(stage.ask().outcome, "accepted");
	assert.equal(stage.status()?.["backup"], "requested");
});

test("a schedule's backup waits for its host, and is sent when it comes", () => {
	using stage = new Stage();
	stage.host(nas);
	stage.presence(nas, "offline");
	stage.pass(6);
	assert.equal(stage.ask({}, schedule).outcome, "accepted");
	assert.deepEqual(stage.runCommands(), []);
	stage.presence(nas, "online", "s2");
	assert.equal(stage.runCommands().length, 1);
});

test("a second press joins the run that is under way; another operation is told who holds the resource", () => {
	using stage = new Stage();
	stage.host(nas);
	const first = stage.ask();
	const second = stage.ask({}, homeAssistant);
	assert.equal(second.run, first.run);
	assert.equal(second.joined, true);
	assert.equal(stage.runCommands().length, 1);
	const busy = stage.ask(
		{ operation: "volume.prune", params: { volume: "grafana-data", keepLast: 3 } },
		schedule,
	);
	assert.equal(busy.failure?.code, "resource-busy");
	assert.match(busy.failure?.hint ?? "", new RegExp(String(first.run)));
});

test("the same request id is answered with the same run, however often it comes", () => {
	using stage = new Stage();
	stage.host(nas);
	const id = RequestId.parse(newId());
	const first = stage.ask({ id });
	stage.report(stage.lastCommand().id, { state: "failed", sequence: 1 });
	assert.deepEqual(stage.ask({ id }), first);
	assert.equal(stage.runCommands().length, 1);
	assert.notEqual(stage.ask().run, first.run);
});

test("what destroys needs its confirmation, and a restore also a plan that was shown", () => {
	using stage = new Stage();
	stage.host(nas);
	const prune = { operation: "volume.prune", params: { volume: "grafana-data", keepLast: 1 } };
	assert.equal(stage.ask(prune).failure?.code, "confirmation-missing");
	assert.equal(stage.ask({ ...prune, confirm: "grafana" }).failure?.code, "confirmation-missing");
	assert.equal(stage.ask({ ...prune, confirm: "grafana-data" }).outcome, "accepted");
	stage.report(stage.lastCommand().id, { state: "succeeded", sequence: 1 });
	const undo = {
		...{ operation: "volume.undo", params: { volume: "grafana-data", plan: "0".repeat(64) } },
		confirm: "grafana-data",
	};
	assert.equal(stage.ask(undo).failure?.code, "plan-not-found");
	assert.equal(stage.runCommands().length, 1);
});

test("a host whose clock is ten minutes off is not told to destroy", () => {
	using stage = new Stage();
	stage.host(nas);
	const at = new Date(stage.nowMs + 600_000).toISOString();
	stage.receive(stage.topics.presence(nas), { version: 1, state: "online", session: "s1", at, epoch: 1 });
	const prune = { operation: "volume.prune", params: { volume: "grafana-data", keepLast: 1 } };
	assert.equal(stage.ask({ ...prune, confirm: "grafana-data" }).failure?.code, "clock-skewed");
	assert.equal(stage.ask().outcome, "accepted");
});

test("a request on the broker is answered there; a retained one, or one for a local door, begins nothing", () => {
	using stage = new Stage();
	stage.host(nas);
	const request = { version: 1, host: nas, operation: "volume.backup", params: { volume: "grafana-data" } };
	stage.receive(stage.topics.request(homeAssistant), request, true);
	stage.receive(stage.topics.request(operator), request);
	assert.deepEqual(stage.runCommands(), []);
	stage.receive(stage.topics.request(homeAssistant), { ...request, host: "NOT A HOST" });
	stage.core.receive({
		topic: stage.topics.request(homeAssistant),
		payload: Buffer.from([0xff, 0xfe, 0x7b]),
		retain: false,
	});
	stage.receive(stage.topics.request(homeAssistant), request);
	const answers = stage.payloads(stage.topics.response(homeAssistant)).map((text) => JSON.parse(text));
	assert.deepEqual(
		answers.map(({ outcome, failure }) => failure?.code ?? outcome),
		["request-malformed", "request-malformed", "accepted"],
	);
	assert.equal(stage.runCommands().length, 1);
});

test("an archive of another resource is not verified as if it were this one's", () => {
	using stage = new Stage();
	const other = ResourceId.parse("volume:other");
	stage.host(nas, [grafana, other]);
	const theirs = archive(stage.nowMs);
	stage.archives(nas, other, [theirs]);
	const verify = (id: string) =>
		stage.ask({ operation: "volume.verify", params: { volume: "grafana-data", archive: id } }).failure?.code;
	assert.equal(verify(theirs.id), "archive-foreign");
	assert.equal(verify("ffffffffff"), "archive-not-found");
});
