import assert from "node:assert/strict";
import { test } from "node:test";
import { HostName, ResourceId, ResourceStatus, SiteName } from "@davit/protocol";
import { discoverSite } from "./discovery.ts";
import { eventMessage } from "./events.ts";

// What others stumbled over on their way into Home Assistant. Those that need a broker are in publisher.test.ts (junk and
// empty payloads, zero publishes), those that need Home Assistant itself in test/home-assistant/.

const host = HostName.parse("nas");
const longest = ResourceId.parse(`volume:${"x".repeat(255)}`);
const anonymous = ResourceId.parse(`volume:${"0123456789abcdef".repeat(4)}`);

function components(resources: readonly ResourceId[]): [string, Record<string, unknown>][] {
	const view = { site: SiteName.parse("home"), version: "0.1.0", pageUrl: undefined };
	const messages = discoverSite({ ...view, hosts: [{ host, description: undefined, resources }] });
	return [...messages.values()].flatMap((message) => {
		// Just written by discoverSite.
		const device = JSON.parse(message) as { components: Record<string, Record<string, unknown>> };
		return Object.entries(device.components);
	});
}

test("no entity waits for a topic that nobody publishes: availability is one topic, never all of several", () => {
	for (const [id, component] of components([longest])) {
		assert.ok(!("availability_mode" in component), id);
		assert.ok(!("availability_topic" in component), id);
	}
});

test("a discovery message is small and names neither containers nor images", () => {
	const view = { site: SiteName.parse("home"), version: "0.1.0", pageUrl: "http://nas:8787" };
	for (const message of discoverSite({
		...view,
		hosts: [{ host, description: undefined, resources: [longest] }],
	}).values()) {
		assert.ok(Buffer.byteLength(message) < 16_384);
		assert.doesNotMatch(message, /container|sha256:|image/i);
	}
});

test("whatever a resource is called, its topic's level and its entities' ids stay short", () => {
	for (const [, component] of components([longest, anonymous])) {
		for (const value of [component["unique_id"], component["default_entity_id"]]) {
			assert.ok(value === undefined || String(value).length < 200);
		}
	}
});

test("no state can pass 255 characters: what is shown as one is a word, a time or a number", () => {
	const options = ResourceStatus.shape.backup.options;
	assert.ok(options.every((option) => option.length < 20));
	const states = components([longest]).filter(([, { platform }]) => platform === "sensor");
	for (const [id, component] of states) {
		assert.ok(["enum", "timestamp", "data_size", "duration"].includes(String(component["device_class"])), id);
	}
});

test("attributes stay far below 16 KiB: a reason is cut at 200 characters, an event's message at 500", () => {
	const at = "2026-11-22T12:00:00.000Z";
	const status = {
		version: 1,
		host,
		resource: longest,
		backup: "failed",
		run: null,
		progress: null,
		overdue: true,
	};
	assert.equal(
		ResourceStatus.safeParse({ ...status, nextDueAt: null, at, reason: "y".repeat(201) }).success,
		false,
	);
	const event = {
		run: "raaaaaaaa",
		host,
		resource: longest,
		type: "backup_failed",
		startedAt: at,
		finishedAt: at,
	};
	const message = eventMessage(
		// The shape of JobEvent; its brands were checked where the run was read.
		{ ...event, reason: "disk-full", message: "z".repeat(500), askedBy: "schedule" } as Parameters<
			typeof eventMessage
		>[0],
		false,
	);
	assert.ok(Buffer.byteLength(message) < 2048);
});

test("nothing lingers as in progress: progress is an attribute of a state that the coordinator publishes anew at its start", () => {
	const [, state] = components([longest]).find(([id]) => id === "backup_state") ?? [];
	assert.match(
		String(state?.["json_attributes_template"]),
		/value_json\.progress\.bytes if value_json\.progress else None/,
	);
});

test("a hold of retention is an attribute of what it holds, with and without a good backup", () => {
	const [, backup] = components([longest]).find(([id]) => id === "last_good_backup") ?? [];
	const template = String(backup?.["json_attributes_template"]);
	assert.equal(template.split("'held_since': (value_json.get('hold') or {}).get('since')").length, 3);
	assert.equal(template.split("'held_because': (value_json.get('hold') or {}).get('because')").length, 3);
});

test("a press and an event are never retained", () => {
	const [, button] = components([longest]).find(([id]) => id === "back_up") ?? [];
	assert.equal(button?.["retain"], false);
});
