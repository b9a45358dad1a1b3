import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { type Integration, openIntegration } from "@davit/ha-integration/integration.ts";
import { discoveryFilter, Instant } from "@davit/protocol";
import { connectAsync } from "mqtt";
import { pino } from "pino";
import { labAvailability } from "../lab/availability.ts";
import type { HomeAssistant } from "../lab/home-assistant/start.ts";
import type { HomeAssistantVersion } from "../lab/home-assistant/version.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openPuppets, type Puppets, site } from "./puppet-site.ts";

// The integration against a real Home Assistant and a real Mosquitto; agents and coordinator are puppets.

const availability = await labAvailability();
const versions: readonly [HomeAssistantVersion, string | undefined][] = [
	["2026.11.0", availability.homeAssistant ?? availability.broker],
	["2025.1.4", availability.homeAssistantOldest ?? availability.broker],
];

for (const [version, reason] of versions) {
	suite(`Home Assistant ${version}`, { skip: reason ?? false }, () => scenes(version));
}

function scenes(version: HomeAssistantVersion): void {
	const life = new AbortController();
	const { signal } = life;
	const open = new AsyncDisposableStack();
	let lab: Laboratory;
	let home: HomeAssistant;
	let puppets: Puppets;
	let integration: Integration;
	const begin = () =>
		openIntegration(
			{ site, home: join(lab.folder, "integration"), broker: { url: lab.broker.url }, settleMs: 300 },
			{ log: pino({ level: "silent" }), version: "0.1.0" },
			signal,
		);

	before(async () => {
		lab = open.use(await openLaboratory({ mosquitto: {}, homeAssistant: [{ version }] }, signal));
		home = lab.homeAssistant(version);
		puppets = open.use(await openPuppets(lab.broker.url, signal));
		await home.mark();
		await puppets.setCoordinator("online");
		await puppets.setHost("online");
		await puppets.setVolumes(["photos", "grafana-data"]);
		await puppets.setState("photos", "2026-11-22T10:00:00.000Z");
		await puppets.setState("grafana-data", undefined);
		await puppets.setStatus("photos", "idle");
		await puppets.setStatus("grafana-data", "idle", { overdue: true });
		integration = await begin();
	});
	after(async () => {
		await integration[Symbol.asyncDispose]();
		await open.disposeAsync();
		life.abort();
	});

	/** The entity of a unique id, whatever name this version gave it. */
	const entity = async (unique: string): Promise<string> =>
		pollUntil(
			async () => {
				const found = (await home.registryEntities()).find(
					(its) => its["unique_id"] === `davit_lab_${unique}`,
				);
				return found === undefined ? undefined : String(found["entity_id"]);
			},
			{ what: `entity ${unique}`, timeoutMs: 15_000, signal },
		);
	const becomes = async (unique: string, state: string) =>
		home.waitForState(await entity(unique), (its) => its.state === state);

	test("it discovers the site, its host and their volumes by itself, as a tree of devices", async () => {
		await becomes("nas_online", "on");
		await becomes("__hub_online".slice(1), "on");
		await becomes("nas_volume-photos_last_good_backup", "2026-11-22T10:00:00+00:00");
		await becomes("nas_volume-grafana-data_last_good_backup", "unknown");
		await becomes("nas_volume-photos_backup_overdue", "off");
		await becomes("nas_volume-grafana-data_backup_overdue", "on");
		await becomes("nas_volume-photos_backup_state", "idle");
		const devices = await home.registryDevices();
		const byName = new Map(devices.map((device) => [device["name"], device]));
		assert.equal(byName.get("photos (nas)")?.["via_device_id"], byName.get("nas")?.["id"]);
		assert.equal(byName.get("nas")?.["via_device_id"], byName.get("Davit lab")?.["id"]);
		const ours = devices.filter((device) => device["manufacturer"] === "Davit");
		assert.equal(ours.length, 4);
	});

	test("a suspicious backup is a problem that says what is wrong, also without the coordinator; a person's hold is none", async () => {
		const since = Instant.parse("2026-11-22T11:00:00.000Z");
		const because = "it has 12 of 4,000 entries that were usual";
		const sensor = "nas_volume-photos_backup_suspicious";
		const takenAt = "2026-11-22T10:00:00.000Z";
		await becomes(sensor, "off");
		await puppets.setCoordinator("offline");
		await puppets.setState("photos", takenAt, { hold: { since, because, isAutomatic: true } });
		const held = await becomes(sensor, "on");
		assert.deepEqual(
			[held.attributes["device_class"], held.attributes["since"], held.attributes["because"]],
			["problem", since, because],
		);
		await puppets.setState("photos", takenAt, { hold: { since, because: "I look", isAutomatic: false } });
		const known = await becomes(sensor, "off");
		assert.equal(known.attributes["because"], "I look");
		await puppets.setCoordinator("online");
		await puppets.setState("photos", takenAt);
		await becomes("nas_volume-photos_backup_state", "idle");
	});

	test("a press is a request that is not retained, and its answer is seen at once", async () => {
		await home.callService("button", "press", { entity_id: await entity("nas_volume-photos_back_up") });
		const request = await pollUntil(() => puppets.requests[0], { what: "request", timeoutMs: 5000, signal });
		assert.equal(request.retain, false);
		assert.deepEqual(JSON.parse(request.payload), {
			version: 1,
			host: "nas",
			operation: "volume.backup",
			params: { volume: "photos" },
		});
		await puppets.setStatus("photos", "rejected", { reason: "nas has not been heard" });
		const state = await becomes("nas_volume-photos_backup_state", "rejected");
		assert.equal(state.attributes["reason"], "nas has not been heard");
		const progress = { step: "copy", bytes: 10, totalBytes: 20 };
		await puppets.setStatus("photos", "running", { progress });
		const running = await becomes("nas_volume-photos_backup_state", "running");
		assert.equal(running.attributes["bytes"], 10);
		await puppets.setStatus("photos", "succeeded");
		await becomes("nas_volume-photos_backup_state", "succeeded");
	});

	test("a host has a button for everything on it, which is answered, and an event when a part of it failed", async () => {
		const before = puppets.requests.length;
		await home.callService("button", "press", { entity_id: await entity("nas_back_up_everything") });
		const request = await pollUntil(() => puppets.requests[before], {
			what: "request for a host",
			timeoutMs: 5000,
			signal,
		});
		assert.equal(request.retain, false);
		assert.deepEqual(JSON.parse(request.payload), {
			version: 1,
			host: "nas",
			operation: "host.backup",
			params: { host: "nas" },
		});
		const progress = { step: "1 of 3 ended, 2 under way", bytes: 10 };
		await puppets.setStatus("host:nas", "running", { progress });
		const running = await becomes("nas_backup_state", "running");
		assert.equal(running.attributes["step"], progress.step);
		await puppets.setStatus("host:nas", "partial", { reason: "1 of 3 parts did not succeed" });
		const partial = await becomes("nas_backup_state", "partial");
		assert.equal(partial.attributes["reason"], "1 of 3 parts did not succeed");
		await puppets.endRun("rccccccch", {
			...{ resource: "host:nas", operation: "host.backup", state: "partial" },
			failure: { code: "part-failed", message: "1 of 3", hint: "davit show", retryable: true },
		});
		const job = await home.waitForState(
			await entity("nas_job"),
			(its) => its.attributes["event_type"] === "backup_failed",
		);
		assert.deepEqual([job.attributes["reason"], job.attributes["replayed"]], ["part-failed", false]);
		const device = (await home.registryDevices()).find((its) => its["name"] === "nas");
		const triggers = await home.deviceTriggers(String(device?.["id"]));
		const types = triggers.filter((its) => its["domain"] === "mqtt").map((its) => its["type"]);
		assert.deepEqual(types.sort(), ["backup_completed", "backup_failed"]);
	});

	test("a failed backup fires the automation that listens to it, by event and by device trigger, once each", async () => {
		const job = await entity("nas_volume-photos_job");
		const heard: string[] = [];
		const listener = open.adopt(await connectAsync(lab.broker.url), (client) => client.endAsync());
		listener.on("message", (topic, payload) => heard.push(`${topic} ${payload.toString()}`));
		await listener.subscribeAsync("proof/#");
		const say = (topic: string, payload: string) => [
			{ action: "mqtt.publish", data: { topic: `proof/${topic}`, payload } },
		];
		await home.addAutomation("by_event", {
			alias: "by event",
			triggers: [
				{ trigger: "state", entity_id: job, not_from: ["unavailable"], not_to: ["unavailable", "unknown"] },
			],
			conditions: ["{{ trigger.to_state.attributes.event_type == 'backup_failed' }}"],
			actions: say(
				"event",
				"{{ trigger.to_state.attributes.reason }}/{{ trigger.to_state.attributes.replayed }}",
			),
		});
		const device = (await home.registryDevices()).find((its) => its["name"] === "photos (nas)");
		const triggers = await home.deviceTriggers(String(device?.["id"]));
		const types = triggers.filter((its) => its["domain"] === "mqtt").map((its) => its["type"]);
		assert.deepEqual(types.sort(), [
			"backup_completed",
			"backup_failed",
			"restore_completed",
			"restore_failed",
		]);
		const wanted = triggers.find((its) => its["type"] === "backup_failed");
		const { metadata: _metadata, platform: _platform, ...trigger } = wanted ?? {};
		await home.addAutomation("by_device", {
			alias: "by device",
			triggers: [{ ...trigger, trigger: "device" }],
			actions: say("device", "fired"),
		});
		// A device trigger subscribes a moment after its automation is on: a made-up one shows when.
		await pollUntil(
			async () => {
				await puppets.session.publish(
					"davit/v1/lab/home-assistant/triggers/nas/volume-photos",
					"backup_failed",
				);
				return heard.length > 0;
			},
			{ what: "device trigger subscribed", timeoutMs: 10_000, intervalMs: 250, signal },
		);
		heard.length = 0;
		await puppets.endRun("raaaaaaaa", {
			failure: { code: "disk-full", message: "no space", hint: "free some", retryable: true },
		});
		await pollUntil(() => heard.some((line) => line.startsWith("proof/event")), {
			what: "event",
			timeoutMs: 5000,
			signal,
		});
		await pollUntil(() => heard.some((line) => line.startsWith("proof/device")), {
			what: "device",
			timeoutMs: 5000,
			signal,
		});
		assert.equal(heard.filter((line) => line === "proof/event disk-full/False").length, 1);
		assert.equal(heard.filter((line) => line.startsWith("proof/event")).length, 1);
	});

	test("a restart keeps every entity, and what failed meanwhile arrives once, flagged, with its own time", async () => {
		const before = (await home.registryEntities()).map((its) => its["entity_id"]).sort();
		await home.stop();
		await puppets.endRun("rbbbbbbbb", { endedAt: "2026-11-22T09:00:00.000Z", operation: "volume.restore" });
		await home.start();
		const job = await home.waitForState(
			await entity("nas_volume-photos_job"),
			(its) => its.attributes["event_type"] === "restore_failed",
			30_000,
		);
		assert.equal(job.attributes["replayed"], true);
		assert.equal(job.attributes["finished_at"], "2026-11-22T09:00:00.000Z");
		assert.deepEqual((await home.registryEntities()).map((its) => its["entity_id"]).sort(), before);
		await becomes("nas_volume-photos_last_good_backup", "2026-11-22T10:00:00+00:00");
	});

	test("without the coordinator the button is unavailable and what is known of the data stays", async () => {
		await puppets.setCoordinator("offline");
		await becomes("nas_volume-photos_back_up", "unavailable");
		await becomes("nas_volume-photos_last_good_backup", "2026-11-22T10:00:00+00:00");
		await puppets.setCoordinator("online");
		await puppets.setHost("offline");
		await becomes("nas_online", "off");
		await puppets.setHost("online");
	});

	test("a restarted integration publishes nothing that the broker already holds", async () => {
		const seen: string[] = [];
		const listener = open.adopt(await connectAsync(lab.broker.url), (client) => client.endAsync());
		listener.on("message", (topic, _payload, packet) => {
			if (!packet.retain) seen.push(topic);
		});
		await listener.subscribeAsync(discoveryFilter("davit_lab"));
		await integration[Symbol.asyncDispose]();
		integration = await begin();
		// A new volume proves that it works; it must be the only message.
		await puppets.setVolumes(["photos", "grafana-data", "new"]);
		await entity("nas_volume-new_back_up");
		assert.ok(seen.length > 0);
		assert.ok(
			seen.every((topic) => topic.includes("volume-new")),
			seen.join(),
		);
	});

	test("a volume that has gone leaves no device, no entity and no retained message", async () => {
		await puppets.setVolumes(["photos", "grafana-data"]);
		await pollUntil(
			async () => !(await home.registryDevices()).some((device) => device["name"] === "new (nas)"),
			{ what: "device gone", timeoutMs: 15_000, signal },
		);
		const entities = await home.registryEntities();
		assert.ok(!entities.some((its) => String(its["unique_id"]).includes("volume-new")));
	});

	test("Home Assistant had nothing to complain about", async () => {
		// 2025.1 says so at every removal below a node, because its components had to be let go before.
		const known = version === "2025.1.4" ? "No device components to cleanup" : "SIGTERM";
		assert.deepEqual(
			(await home.complaints()).filter((line) => !line.includes(known)),
			[],
		);
		assert.ok(readFileSync(home.logPath, "utf8").length > 0);
	});
}
