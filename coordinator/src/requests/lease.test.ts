import assert from "node:assert/strict";
import { test } from "node:test";
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
