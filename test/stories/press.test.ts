import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ArchivesDocument, ResultLine, StatusDocument } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import { openSmallDisk } from "../lab/fault/open-small-disk.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { run } from "../lab/process/run.ts";
import { type Home, openHomeLaboratory, readDiary, volumePath } from "./home.ts";

// One press in Home Assistant, carried out on a real host, proven, and shown again: Mosquitto, two hosts, Home Assistant, all real.

const availability = await labAvailability();
const skip = availability.hosts ?? availability.homeAssistant ?? availability.broker ?? false;
const life = new AbortController();
const { signal } = life;
let home: Home;

if (skip === false) {
	before(async () => {
		home = await openHomeLaboratory(signal);
		await home.homeAssistant.mark();
	});
	after(async () => {
		await home[Symbol.asyncDispose]();
		life.abort();
	});
}

const unique = (host: string, entity: string) => `davit_home_${host}_volume-diary_${entity}`;

async function entity(host: string, name: string): Promise<string> {
	return pollUntil(
		async () => {
			const entities = await home.homeAssistant.registryEntities();
			const found = entities.find((its) => its["unique_id"] === unique(host, name));
			return found === undefined ? undefined : String(found["entity_id"]);
		},
		{ what: `entity ${name} of ${host}`, timeoutMs: 30_000, signal },
	);
}

async function press(host: string): Promise<void> {
	await home.homeAssistant.callService("button", "press", { entity_id: await entity(host, "back_up") });
}

function resultOf(lines: readonly unknown[]): ResultLine {
	return ResultLine.parse(lines.at(-1));
}

test("Home Assistant discovers both hosts and their volumes by itself", { skip }, async () => {
	for (const host of ["nas", "pi"]) {
		await home.homeAssistant.waitForState(
			await entity(host, "last_good_backup"),
			(its) => its.state === "unknown",
		);
		await home.homeAssistant.waitForState(await entity(host, "backup_state"), (its) => its.state === "idle");
	}
});

test("a press is answered within a second, seen in progress, and ends in a verified archive on that host", {
	skip,
}, async () => {
	const state = await entity("nas", "backup_state");
	// Enough that the copy takes a moment.
	await run(
		[
			"dd",
			"if=/dev/urandom",
			`of=${join(volumePath(home, "nas", "diary"), "ballast")}`,
			"bs=1M",
			"count=300",
		],
		{ signal },
	);
	const seen: { state: string; atMs: number; bytes: unknown }[] = [];
	await home.homeAssistant.subscribeEvents("state_changed", (event) => {
		// An event of Home Assistant's API: new_state has the entity's state and attributes.
		const { entity_id, new_state } = (event["data"] ?? {}) as {
			entity_id?: string;
			new_state?: { state: string; attributes: Record<string, unknown> };
		};
		if (entity_id !== state || new_state === undefined) return;
		seen.push({ state: new_state.state, atMs: performance.now(), bytes: new_state.attributes["bytes"] });
	});
	const pressedMs = performance.now();
	await press("nas");
	await home.homeAssistant.waitForState(state, (its) => its.state === "succeeded", 60_000);
	const first = seen[0];
	assert.ok(
		first !== undefined && first.atMs - pressedMs < 1000,
		`answered after ${(first?.atMs ?? 0) - pressedMs} ms`,
	);
	assert.ok(
		seen.some((its) => its.state === "running" && Number(its.bytes) > 0),
		JSON.stringify(seen),
	);
	const last = await home.homeAssistant.waitForState(
		await entity("nas", "last_good_backup"),
		(its) => its.state !== "unknown",
	);
	assert.ok(Math.abs(Date.parse(last.state) - Date.now()) < 60_000);
	const listed = await home.davit("nas", "list", "archives", "--json");
	const [archive] = ArchivesDocument.parse(listed.lines[0]).items;
	assert.deepEqual([archive?.host, archive?.proof.includes("verified")], ["nas", true]);
	const folders = await readdir(join(home.homeOf("nas"), "archives", "volume-diary"));
	assert.equal(folders.filter((name) => name.endsWith(archive?.id ?? "none")).length, 1);
});

test("the damaged volume is restored exactly from that archive, and the restore can be undone", {
	skip,
}, async () => {
	const folder = volumePath(home, "nas", "diary");
	await run(["docker", "version"], { signal, env: {}, expectedCodes: [0, 1] });
	await home.lab.host("nas").docker(["stop", "writer"]);
	const kept = await readFile(join(folder, "ballast"));
	const lines = await readDiary(home, "nas");
	assert.ok(lines.length > 10);
	const taken = resultOf((await home.davit("nas", "backup", "nas/diary", "--json")).lines);
	assert.equal(taken.outcome, "succeeded", taken.message);
	await rm(join(folder, "ballast"));
	await writeFile(join(folder, "written.log"), "damaged\n");
	await writeFile(join(folder, "stale"), "must go\n");
	const restored = resultOf(
		(await home.davit("nas", "restore", `nas/diary@${taken.archive}`, "--confirm", "diary", "--json")).lines,
	);
	assert.equal(restored.outcome, "succeeded", restored.message);
	assert.deepEqual((await readdir(folder)).sort(), ["ballast", "written.log"]);
	assert.ok(kept.equals(await readFile(join(folder, "ballast"))));
	assert.deepEqual(await readDiary(home, "nas"), lines);
	const undone = resultOf(
		(await home.davit("nas", "undo", "nas/diary", "--confirm", "diary", "--json")).lines,
	);
	assert.equal(undone.outcome, "succeeded", undone.message);
	assert.deepEqual((await readdir(folder)).sort(), ["stale", "written.log"]);
	assert.equal(await readFile(join(folder, "written.log"), "utf8"), "damaged\n");
	await home.lab.host("nas").docker(["start", "writer"]);
});

test("a backup made to fail fires the automation that listens to backup_failed", { skip }, async () => {
	const job = await entity("pi", "job");
	const automation = await home.homeAssistant.addAutomation("backup_failed", {
		alias: "backup failed",
		triggers: [
			{ trigger: "state", entity_id: job, not_from: ["unavailable"], not_to: ["unavailable", "unknown"] },
		],
		conditions: ["{{ trigger.to_state.attributes.event_type == 'backup_failed' }}"],
		actions: [{ event: "proof", event_data: { reason: "{{ trigger.to_state.attributes.reason }}" } }],
	});
	const reasons: unknown[] = [];
	await home.homeAssistant.subscribeEvents("proof", (event) => {
		// The automation's own event_data.
		reasons.push((event["data"] as Record<string, unknown>)["reason"]);
	});
	await using disk = await openSmallDisk(
		{ path: join(home.homeOf("pi"), "archives"), megabytes: 16 },
		signal,
	);
	await disk.fill();
	await press("pi");
	await home.homeAssistant.waitForState(
		await entity("pi", "backup_state"),
		(its) => its.state === "failed",
		30_000,
	);
	await pollUntil(() => reasons.length > 0, { what: "automation", timeoutMs: 10_000, signal });
	assert.deepEqual(reasons, ["disk-full"]);
	const fired = await home.homeAssistant.state(automation);
	assert.notEqual(fired?.attributes["last_triggered"], null);
	const before = (await readDiary(home, "pi")).length;
	await pollUntil(async () => (await readDiary(home, "pi")).length > before, {
		what: "writer goes on",
		timeoutMs: 5000,
		signal,
	});
});

test("a press for a host that is cut off is refused within a second and says why", { skip }, async () => {
	await home.lab.host("pi").cut();
	const state = await entity("pi", "backup_state");
	await pollUntil(
		async () => {
			const { lines } = await home.davit("nas", "list", "hosts", "--json");
			return JSON.stringify(lines).includes('"online":false');
		},
		{ what: "pi is seen to be offline", timeoutMs: 90_000, intervalMs: 500, signal },
	);
	await press("pi");
	const refused = await home.homeAssistant.waitForState(state, (its) => its.state === "rejected", 5000);
	assert.match(String(refused.attributes["reason"]), /pi/);
	await home.lab.host("pi").heal();
	await pollUntil(
		async () =>
			StatusDocument.parse((await home.davit("nas", "status", "--json")).lines[0]).hosts.every(
				(host) => host.online,
			),
		{ what: "pi is back", timeoutMs: 90_000, intervalMs: 500, signal },
	);
	await press("pi");
	await home.homeAssistant.waitForState(state, (its) => its.state === "succeeded", 30_000);
});

test("killing and wiping the broker in the middle of a run loses nothing and does nothing twice", {
	skip,
}, async () => {
	const archivesBefore = (await readdir(join(home.homeOf("nas"), "archives", "volume-diary"))).length;
	await run(
		[
			"dd",
			"if=/dev/urandom",
			`of=${join(volumePath(home, "nas", "diary"), "ballast")}`,
			"bs=1M",
			"count=400",
		],
		{ signal },
	);
	const running = home.davit("nas", "backup", "nas/diary", "--json");
	await pollUntil(
		async () =>
			JSON.stringify((await home.davit("nas", "list", "runs", "--json")).lines).includes('"state":"running"'),
		{ what: "the run is running", timeoutMs: 10_000, signal },
	);
	await home.broker.wipe();
	await home.broker.start();
	const result = resultOf((await running).lines);
	assert.equal(result.outcome, "succeeded", result.message);
	assert.equal(
		(await readdir(join(home.homeOf("nas"), "archives", "volume-diary"))).length,
		archivesBefore + 1,
	);
	await home.homeAssistant.waitForState(
		await entity("nas", "backup_state"),
		(its) => its.state === "succeeded",
		60_000,
	);
});

test("Home Assistant had no complaint about what Davit published", { skip }, async () => {
	const ours = (await home.homeAssistant.complaints()).filter((line) => /davit|Schema|discovery/i.test(line));
	assert.deepEqual(ours, []);
});
