import assert from "node:assert/strict";
import test from "node:test";
import { HostName, PrincipalName, ResourceId, SiteName, topicsOf } from "@davit/protocol";
import { covers, mayPublish, mayRead, maySubscribe, type Role, rulesOf } from "./rules.ts";

const site = SiteName.parse("home");
const topics = topicsOf(site);
const nas = HostName.parse("nas");
const other = HostName.parse("other");
const volume = ResourceId.parse("volume:x");

test("a rule covers a filter only as a whole", () => {
	const covered = [
		["a/#", "a/b/#"],
		["a/#", "a/+/c"],
		["a/#", "a"],
		["a/+", "a/b"],
		["a/+", "a/+"],
		["#", "#"],
	] as const;
	for (const [rule, filter] of covered) assert.ok(covers(rule, filter), `${rule} covers ${filter}`);
	const beyond = [
		["a/b", "a/+"],
		["a/b", "a/#"],
		["a/+", "a/#"],
		["a/+", "#"],
		["a/#", "#"],
		["a/#", "+/b"],
		["a/+/c", "a/b"],
		["a/+", "a/b/c"],
		["a/b", "a/b/#"],
	] as const;
	for (const [rule, filter] of beyond) assert.ok(!covers(rule, filter), `${rule} does not cover ${filter}`);
});

test("only Home Assistant may publish a request, and never retained", () => {
	const request = topics.request(PrincipalName.parse("home-assistant"));
	const roles: Role[] = [
		{ kind: "agent", host: nas },
		{ kind: "coordinator" },
		{ kind: "integration" },
		{ kind: "home-assistant" },
		{ kind: "observer" },
	];
	const allowed = roles.filter((role) => mayPublish(rulesOf(role, site), { topic: request, retain: false }));
	assert.deepEqual(
		allowed.map(({ kind }) => kind),
		["home-assistant"],
	);
	assert.ok(!mayPublish(rulesOf({ kind: "home-assistant" }, site), { topic: request, retain: true }));
});

test("an agent says and hears only what is its own", () => {
	const rules = rulesOf({ kind: "agent", host: nas }, site);
	for (const topic of [topics.presence(nas), topics.report(nas), topics.resourceState(nas, volume)]) {
		assert.ok(mayPublish(rules, { topic, retain: false }), topic);
	}
	for (const topic of [
		topics.command(nas),
		topics.presence(other),
		topics.report(other),
		topics.resourceState(other, volume),
		topics.coordinatorPresence(),
		topics.resourceStatus(nas, volume),
	]) {
		assert.ok(!mayPublish(rules, { topic, retain: false }), topic);
	}
	assert.ok(mayRead(rules, topics.command(nas)));
	for (const filter of [topics.command(other), topics.all.commands, topics.all.everything, "#", "+/#"]) {
		assert.ok(!mayRead(rules, filter), filter);
	}
});

test("a command is published by the coordinator alone, and never retained", () => {
	const command = { topic: topics.command(nas), retain: false };
	assert.ok(mayPublish(rulesOf({ kind: "coordinator" }, site), command));
	assert.ok(!mayPublish(rulesOf({ kind: "coordinator" }, site), { ...command, retain: true }));
	for (const kind of ["integration", "home-assistant", "observer"] as const) {
		assert.ok(!mayPublish(rulesOf({ kind }, site), command), kind);
	}
});

test("Home Assistant may ask for what other makers publish, but not for more of Davit by a wildcard", () => {
	const role: Role = { kind: "home-assistant" };
	const rules = rulesOf(role, site);
	for (const filter of ["tasmota/discovery/#", "homeassistant/+/+/config", topics.all.presences]) {
		assert.ok(maySubscribe(role, rules, filter), filter);
	}
	for (const filter of ["#", "+/v1/#", "davit/#", topics.all.reports, topics.all.commands, "$SYS/#", "/x"]) {
		assert.ok(!maySubscribe(role, rules, filter), filter);
	}
});
