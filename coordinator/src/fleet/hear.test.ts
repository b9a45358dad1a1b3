import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { instantOf, ResourceId } from "@davit/protocol";
import { hostDocument } from "../documents/details.ts";
import { archive, attic, grafana, nas, Stage } from "../testing/stage.ts";

function describe(stage: Stage, publicKey: string, host = nas): void {
	stage.receive(stage.topics.description(nas), {
		...{ version: 1, site: "home", host, davit: "0.1.0", node: "24", platform: "linux", publicKey },
		...{ operations: [], capabilities: [], archivesPath: "/srv/archives", archivesFreeBytes: 5 },
		at: instantOf(stage.nowMs),
	});
}

test("what was known of the fleet is known again after a restart, and is shown as not heard", () => {
	const folder = mkdtempSync(join(tmpdir(), "davit-fleet-"));
	const file = join(folder, "history.sqlite");
	try {
		{
			using stage = new Stage({ file });
			stage.host(nas);
			stage.archives(nas, grafana, [archive(stage.nowMs)]);
			stage.presence(nas, "offline");
			stage.pass(6);
		}
		using stage = new Stage({ file });
		const document = hostDocument(stage.core.parts, "nas");
		assert.equal(document.row.online, false);
		assert.equal(document.row.heardAt, "2026-11-22T12:00:00.000Z");
		assert.equal(document.resources[0]?.archives, 1);
		assert.equal(document.resources[0]?.state, "unknown");
	} finally {
		rmSync(folder, { recursive: true });
	}
});

test("the first key that is heard under a name is its own; another one is not believed", () => {
	using stage = new Stage();
	stage.host(nas);
	describe(stage, "first");
	describe(stage, "second");
	assert.equal(hostDocument(stage.core.parts, "nas").publicKey, "first");
	assert.equal(hostDocument(stage.core.parts, "nas").row.state, "inconsistent");
	assert.equal(stage.warnings.filter((sentence) => sentence.includes("another key")).length, 1);
});

test("no payload on any topic of an agent stops the coordinator, and each is warned of once", () => {
	using stage = new Stage();
	stage.host(nas);
	const { topics } = stage;
	const before = JSON.stringify(hostDocument(stage.core.parts, "nas"));
	const payloads = [
		"",
		"{",
		"[]",
		"null",
		"7",
		'{"version":2}',
		`{"version":1,"host":"attic"}`,
		"\uFFFE",
		"x".repeat(70_000),
	];
	const agentTopics = [
		...[topics.presence(nas), topics.description(nas), topics.inventory(nas), topics.report(nas)],
		...[topics.sync(nas), topics.resourceState(nas, grafana), topics.resourceArchives(nas, grafana)],
	];
	for (const topic of agentTopics) {
		for (const text of [...payloads, ...payloads]) {
			stage.core.receive({ topic, payload: Buffer.from(text), retain: false });
		}
		stage.core.receive({ topic, payload: Buffer.from([0xff, 0x00, 0xc3]), retain: true });
	}
	for (const topic of [
		"",
		"/",
		"davit",
		"other/v1/home/agents/nas/report",
		"davit/v1/home/agents/NAS/report",
	]) {
		stage.core.receive({ topic, payload: Buffer.from("{}"), retain: false });
	}
	assert.equal(JSON.stringify(hostDocument(stage.core.parts, "nas")), before);
	assert.equal(new Set(stage.warnings).size <= 3, true, [...new Set(stage.warnings)].join("; "));
	assert.ok(stage.warnings.length < 100, `${stage.warnings.length} warnings`);
});

test("a document under another host's or resource's topic is not believed", () => {
	using stage = new Stage();
	stage.host(nas);
	describe(stage, "theirs", attic);
	const other = ResourceId.parse("volume:other");
	const at = instantOf(stage.nowMs);
	const archives = [archive(stage.nowMs)];
	stage.receive(stage.topics.resourceArchives(nas, grafana), {
		version: 1,
		host: nas,
		resource: other,
		archives,
		at,
	});
	stage.receive(stage.topics.resourceArchives(nas, grafana), {
		version: 1,
		host: attic,
		resource: grafana,
		archives,
		at,
	});
	const document = hostDocument(stage.core.parts, "nas");
	assert.equal(document.publicKey, null);
	assert.deepEqual(
		document.resources.map(({ resource, archives: number }) => [resource, number]),
		[[grafana, 0]],
	);
});

test("a birth publishes again all that a broker may have forgotten, and old runs are cleared in the end", () => {
	using stage = new Stage();
	stage.host(nas);
	const { run } = stage.ask();
	assert.ok(run);
	stage.report(stage.lastCommand().id, { state: "succeeded", sequence: 1 });
	stage.sent.length = 0;
	stage.core.birth();
	assert.equal(stage.status()?.["backup"], "succeeded");
	assert.equal(stage.retained(stage.topics.run(run))?.["state"], "succeeded");
	assert.equal(stage.retained(stage.topics.coordinatorPresence())?.["state"], "online");
	const kept = stage.sent.find(({ topic }) => topic === stage.topics.run(run));
	assert.equal(kept?.expirySeconds, 7 * 86_400);
	stage.jump(7 * 86_400 + 20);
	assert.equal(stage.payloads(stage.topics.run(run)).at(-1), "");
});

test("changes are told together, at most four times a second", () => {
	using stage = new Stage();
	const told: string[][] = [];
	const stop = stage.core.parts.changes.listen((changed) => told.push([...changed].sort()));
	stage.host(nas);
	stage.core.tick();
	stage.ask();
	stage.core.tick();
	assert.equal(told.length, 1);
	stage.jump(0.25);
	assert.equal(told.length, 2);
	assert.ok(told[1]?.some((changed) => changed.startsWith("run:r")));
	assert.ok(told[1]?.includes("resource:nas/volume:grafana-data"));
	stop();
	stage.ask({ host: attic });
	stage.jump(1);
	assert.equal(told.length, 2);
});
