import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Run, SiteName } from "@davit/protocol";
import { pino } from "pino";
import { EventDesk } from "./event-desk.ts";
import { Memory } from "./memory.ts";

const site = SiteName.parse("home");
const log = pino({ level: "silent" });
const live = { isRetained: false };
const noon = Date.parse("2026-11-22T12:00:00.000Z");

function run(id: string, changes: object = {}): Run {
	return Run.parse({
		version: 1,
		run: id,
		request: "019ab0c4-0000-7000-8000-000000000001",
		host: "nas",
		resource: "volume:photos",
		operation: "volume.backup",
		state: "failed",
		askedBy: "home-assistant",
		askedAt: "2026-11-22T11:59:00.000Z",
		startedAt: "2026-11-22T11:59:01.000Z",
		endedAt: "2026-11-22T11:59:50.000Z",
		failure: { code: "disk-full", message: "no space", hint: "free some", retryable: true },
		...changes,
	});
}

interface Sent {
	readonly topic: string;
	readonly payload: string;
	readonly retain: boolean;
}

function open(t: TestContext) {
	const home = mkdtempSync(join(tmpdir(), "davit-events-"));
	t.after(() => rmSync(home, { recursive: true }));
	const sent: Sent[] = [];
	const broker = { isDown: false };
	const begin = () =>
		new EventDesk({
			site,
			memory: new Memory(join(home, "memory.json")),
			now: () => noon,
			log,
			send: async (topic, payload, retain) => {
				if (broker.isDown) throw new Error("not connected");
				sent.push({ topic, payload, retain });
			},
		});
	return { sent, broker, begin, desk: begin() };
}

const bodies = (sent: readonly Sent[]) =>
	sent.filter(({ topic }) => topic.includes("/events/")).map(({ payload }) => JSON.parse(payload));

test("a failed backup becomes one event with its reason, never retained, and one trigger", async (t) => {
	const { desk, sent } = open(t);
	desk.hearHomeAssistant("online");
	desk.takeRun(run("raaaaaaaa"), live);
	desk.takeRun(run("raaaaaaaa"), live);
	await desk.settled();
	assert.equal(sent.length, 2);
	assert.ok(sent.every(({ retain }) => !retain));
	assert.equal(sent[1]?.payload, "backup_failed");
	assert.deepEqual(bodies(sent)[0], {
		event_type: "backup_failed",
		run: "raaaaaaaa",
		host: "nas",
		resource: "volume:photos",
		started_at: "2026-11-22T11:59:01.000Z",
		finished_at: "2026-11-22T11:59:50.000Z",
		reason: "disk-full",
		message: "no space",
		asked_by: "home-assistant",
		replayed: false,
	});
});

test("what ended while Home Assistant was away is replayed once at its birth, flagged, with its own times", async (t) => {
	const { desk, sent } = open(t);
	desk.hearHomeAssistant("online");
	desk.hearHomeAssistant("offline");
	desk.takeRun(run("raaaaaaaa"), live);
	await desk.settled();
	assert.equal(sent.length, 0);
	desk.hearHomeAssistant("online");
	desk.hearHomeAssistant("online");
	await desk.settled();
	assert.equal(bodies(sent).length, 1);
	assert.equal(bodies(sent)[0].replayed, true);
	assert.equal(bodies(sent)[0].finished_at, "2026-11-22T11:59:50.000Z");
});

test("an event sent before anything was heard of Home Assistant is replayed when it is born, not when it leaves", async (t) => {
	const born = open(t);
	born.desk.takeRun(run("raaaaaaaa"), live);
	await born.desk.settled();
	born.desk.hearHomeAssistant("online");
	await born.desk.settled();
	assert.deepEqual(
		bodies(born.sent).map(({ replayed }) => replayed),
		[false, true],
	);

	const left = open(t);
	left.desk.takeRun(run("raaaaaaaa"), live);
	await left.desk.settled();
	left.desk.hearHomeAssistant("offline");
	left.desk.hearHomeAssistant("online");
	await left.desk.settled();
	assert.deepEqual(
		bodies(left.sent).map(({ replayed }) => replayed),
		[false],
	);
});

test("an event waits out a broken session and a restart of the integration", async (t) => {
	const { desk, sent, broker, begin } = open(t);
	desk.hearHomeAssistant("online");
	broker.isDown = true;
	desk.takeRun(run("raaaaaaaa"), live);
	await desk.settled();
	assert.equal(sent.length, 0);
	broker.isDown = false;
	const next = begin();
	next.takeRun(run("raaaaaaaa"), live);
	next.hearHomeAssistant("online");
	await next.settled();
	assert.deepEqual(
		bodies(sent).map(({ run: id, replayed }) => [id, replayed]),
		[["raaaaaaaa", true]],
	);
});

test("a partial or expired backup counts as failed; a cancelled one and a busy refusal are no news", async (t) => {
	const { desk, sent } = open(t);
	desk.hearHomeAssistant("online");
	desk.takeRun(run("raaaaaaaa", { state: "partial", failure: undefined }), live);
	desk.takeRun(run("rbbbbbbbb", { state: "expired", failure: undefined }), live);
	desk.takeRun(run("rcccccccc", { state: "cancelled" }), live);
	desk.takeRun(
		run("rdddddddd", {
			state: "rejected",
			failure: { code: "resource-busy", message: "", hint: "", retryable: true },
		}),
		live,
	);
	desk.takeRun(run("reeeeeeee", { state: "running", endedAt: undefined, failure: undefined }), live);
	desk.takeRun(run("rffffffff", { state: "succeeded", failure: undefined }), live);
	const everything = { operation: "host.backup", resource: "host:nas" };
	const missed = { code: "part-failed", message: "1 of 3", hint: "", retryable: true };
	desk.takeRun(run("rhhhhhhhh", { ...everything, state: "partial", failure: missed }), live);
	desk.takeRun(run("rgggggggg", { state: "succeeded", operation: "volume.undo", failure: undefined }), live);
	await desk.settled();
	assert.deepEqual(
		bodies(sent).map(({ event_type, reason }) => [event_type, reason]),
		[
			["backup_failed", "partial"],
			["backup_failed", "expired"],
			["backup_completed", null],
			["backup_failed", "part-failed"],
			["restore_completed", null],
		],
	);
});

test("at the very first start old runs are history, not news", async (t) => {
	const { desk, sent } = open(t);
	desk.hearHomeAssistant("online");
	desk.takeRun(run("raaaaaaaa", { endedAt: "2026-11-20T00:00:00.000Z" }), { isRetained: true });
	await desk.settled();
	assert.equal(sent.length, 0);
});
