import assert from "node:assert/strict";
import { test } from "node:test";
import { HostName, Request, ResourceId, SiteName } from "@davit/protocol";
import { discoverSite, stripComponents } from "./discovery.ts";

const site = SiteName.parse("home-7f3a");
const nas = HostName.parse("nas");
const grafana = ResourceId.parse("volume:grafana-data");
const photos = ResourceId.parse("path:/srv/photos");

function discovered(resources = [grafana, photos]) {
	return discoverSite({
		site,
		version: "0.1.0",
		pageUrl: "http://nas.lan:8787/",
		hosts: [{ host: nas, description: undefined, resources }],
	});
}

interface Device {
	device: Record<string, unknown>;
	components: Record<string, Record<string, unknown>>;
	availability: { topic: string }[];
}

/** What was just written by JSON.stringify of such a device. */
function deviceAt(topic: string): Device {
	return JSON.parse(discovered().get(topic) ?? "{}") as Device;
}

const grafanaTopic = "homeassistant/device/davit_home-7f3a/nas_volume-grafana-data/config";

test("hub, host and resources are discovered in that order, one message each", () => {
	const [hub, host, ...resources] = discovered().keys();
	assert.equal(hub, "homeassistant/device/davit_home-7f3a/_hub/config");
	assert.equal(host, "homeassistant/device/davit_home-7f3a/nas/config");
	assert.equal(resources[0], grafanaTopic);
	assert.match(resources[1] ?? "", /\/nas_path-srv-photos-[0-9a-f]{8}\/config$/);
	assert.equal(resources.length, 2);
});

test("discovery topics hold only what Home Assistant's pattern allows", () => {
	const odd = ["volume:My.Volume", "path:/srv/with space/é", "volume:a_b-c"].map((id) =>
		ResourceId.parse(id),
	);
	for (const topic of discovered(odd).keys()) {
		assert.match(topic, /^homeassistant\/device\/[a-zA-Z0-9_-]+\/[a-zA-Z0-9_-]+\/config$/);
	}
});

test("two resources whose names differ only in what a topic cannot hold keep ids of their own", () => {
	const twins = ["volume:a.b", "volume:a-b", "volume:A-b"].map((id) => ResourceId.parse(id));
	assert.equal(discovered(twins).size, 2 + 3);
});

test("the same view gives the same bytes", () => {
	assert.deepEqual([...discovered()], [...discovered()]);
});

test("a button's press is a request that the coordinator can read, and is never retained", () => {
	const { back_up } = deviceAt(grafanaTopic).components;
	const request = Request.parse(JSON.parse(String(back_up?.["payload_press"])));
	assert.deepEqual(request, {
		version: 1,
		host: nas,
		operation: "volume.backup",
		params: { volume: "grafana-data" },
	});
	assert.equal(back_up?.["command_topic"], "davit/v1/home-7f3a/requests/home-assistant");
	assert.equal(back_up?.["retain"], false);
});

test("every entity has an id of its own that names neither container nor image, and no deprecated object_id", () => {
	const { components } = deviceAt(grafanaTopic);
	const ids = Object.values(components)
		.filter(({ platform }) => platform !== "device_automation")
		.map(({ unique_id }) => unique_id);
	assert.equal(new Set(ids).size, ids.length);
	for (const component of Object.values(components)) assert.ok(!("object_id" in component));
	for (const [id, component] of Object.entries(components)) {
		assert.doesNotMatch(id, /[ .]/);
		if (component["platform"] === "device_automation") continue;
		assert.match(
			String(component["default_entity_id"]),
			new RegExp(`^${component["platform"]}\\.[a-z0-9_]+$`),
		);
	}
});

test("what is known of the data stays available without the coordinator; the button and its answer do not", () => {
	const { components, availability } = deviceAt(grafanaTopic);
	assert.equal(availability[0]?.topic, "davit/v1/home-7f3a/coordinator/presence");
	for (const id of [
		"last_good_backup",
		"backup_size",
		"backup_duration",
		"last_proven_restore",
		"backup_suspicious",
		"restore_duration",
		"job",
	]) {
		assert.deepEqual(components[id]?.["availability"], [], id);
	}
	for (const id of ["back_up", "backup_state", "backup_overdue"])
		assert.ok(!("availability" in (components[id] ?? {})), id);
});

test("a host has a button for everything on it, the answer to it, and an event of what came of it", () => {
	const { components } = deviceAt("homeassistant/device/davit_home-7f3a/nas/config");
	const { back_up_everything: button, backup_state: state, job } = components;
	assert.equal(button?.["name"], "Back up everything");
	assert.equal(button?.["default_entity_id"], "button.davit_nas_back_up_everything");
	assert.deepEqual(Request.parse(JSON.parse(String(button?.["payload_press"]))), {
		...{ version: 1, host: nas, operation: "host.backup", params: { host: "nas" } },
	});
	assert.equal(button?.["retain"], false);
	assert.equal(state?.["state_topic"], "davit/v1/home-7f3a/coordinator/status/nas/host-nas");
	assert.deepEqual(job?.["event_types"], ["backup_completed", "backup_failed"]);
	assert.deepEqual(
		Object.keys(components).filter((id) => id.startsWith("trigger_")),
		["trigger_backup_completed", "trigger_backup_failed"],
	);
	assert.equal(
		components["trigger_backup_failed"]?.["topic"],
		"davit/v1/home-7f3a/home-assistant/triggers/nas/host-nas",
	);
	assert.deepEqual(job?.["availability"], [], "what came of it stays known without the coordinator");
});

test("a resource hangs below its host and the host below the hub", () => {
	assert.equal(deviceAt(grafanaTopic).device["via_device"], "davit_home-7f3a_nas");
	const host = deviceAt("homeassistant/device/davit_home-7f3a/nas/config").device;
	assert.equal(host["via_device"], "davit_home-7f3a__hub");
});

test("a stripped device keeps its platforms and nothing else of its components", () => {
	const stripped = JSON.parse(stripComponents(discovered().get(grafanaTopic) ?? "") ?? "{}") as Device;
	for (const component of Object.values(stripped.components))
		assert.deepEqual(Object.keys(component), ["platform"]);
	assert.equal(stripComponents('{"device":{}}'), undefined);
});
