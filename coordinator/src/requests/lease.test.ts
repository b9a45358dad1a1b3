import assert from "node:assert/strict";
import { test } from "node:test";
import { instantOf } from "@davit/protocol";
import { attic, nas, Stage } from "../testing/stage.ts";

const params = { volume: "grafana-data", repository: "disk" };

test("of two hosts only one writes into a repository at a time", () => {
	using stage = new Stage();
	stage.host(nas);
	stage.host(attic);
	assert.equal(stage.ask({ params }).outcome, "accepted");
	const second = stage.ask({ host: attic, params });
	assert.equal(second.failure?.code, "repository-locked");
	assert.match(second.failure?.message ?? "", /attic may not write into repository disk yet: .* of nas/);
	assert.equal(stage.ask({ host: attic, params: { ...params, repository: "cloud" } }).outcome, "accepted");
});

test("a lease that nobody gave back ends when its host must have given the run up", () => {
	using stage = new Stage();
	stage.host(nas);
	stage.host(attic);
	stage.ask({ params });
	const first = stage.lastCommand();
	const endsMs = Date.parse(first.startBy) + first.deadlineSeconds * 1000;
	stage.nowMs = endsMs;
	assert.equal(stage.ask({ host: attic, params }).failure?.code, "repository-locked");
	stage.nowMs = endsMs + 300_001;
	assert.equal(stage.ask({ host: attic, params }).outcome, "accepted");
});

test("a backup into a repository does not join one that goes elsewhere", () => {
	using stage = new Stage();
	stage.host(nas);
	assert.equal(stage.ask({}).outcome, "accepted");
	assert.equal(stage.ask({ params }).failure?.code, "resource-busy");
});

test("a repository is not checked or pruned beside a backup into it, nor the other way round", () => {
	using stage = new Stage();
	stage.host(nas);
	stage.host(attic);
	const path = "/srv/archives";
	stage.receive(stage.topics.description(nas), {
		...{ version: 1, site: "home", host: nas, davit: "0.1.0", node: "24", platform: "linux", publicKey: "a" },
		...{ operations: [], capabilities: [], archivesPath: path, archivesFreeBytes: 5 },
		at: instantOf(stage.nowMs),
	});
	const tending = (operation: string) => stage.ask({ operation, params: { path, repository: "disk" } });
	assert.equal(stage.ask({ host: attic, params }).outcome, "accepted");
	for (const operation of ["repository.check", "repository.prune"]) {
		assert.equal(tending(operation).failure?.code, "repository-locked", operation);
	}
	stage.report(stage.lastCommand(attic).id, { state: "failed", sequence: 1 }, attic);
	assert.equal(tending("repository.check").outcome, "accepted");
	assert.match(stage.ask({ params }).failure?.message ?? "", /repository disk yet: repository.check of nas/);
});
