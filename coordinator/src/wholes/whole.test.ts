import assert from "node:assert/strict";
import { test } from "node:test";
import {
	HostName,
	instantOf,
	type Request,
	ResourceId,
	type RunCommand,
	RunDocument,
	RunId,
	wholeHost,
} from "@davit/protocol";
import { cancelRun } from "../desk/cancel.ts";
import { addSchedule } from "../desk/schedules.ts";
import { runDocument } from "../documents/details.ts";
import { resourceRows } from "../documents/resource-row.ts";
import { archive, attic, backupResult, homeAssistant, nas, operator, Stage } from "../testing/stage.ts";

const everything: Partial<Request> = { operation: "host.backup", params: { host: "nas" } };
const media = ResourceId.parse("stack:media");
const inMedia = ResourceId.parse("volume:media_data");
const photos = ResourceId.parse("path:/srv/photos");
const lonely = ResourceId.parse("volume:lonely");

/** A stack with one volume, a volume of none, and a folder. */
function openStage(): Stage {
	const stage = new Stage();
	stage.host(nas);
	stage.receive(stage.topics.inventory(nas), {
		...{ version: 1, host: nas, containers: [], truncated: false, at: instantOf(stage.nowMs) },
		resources: [
			{ id: lonely },
			{ id: inMedia },
			{ id: photos },
			{ id: media, covers: [inMedia] },
			{ id: "stack:unread" },
			{ id: "volume:0123abcd", anonymous: true },
		].map((one) => ({ anonymous: false, consistency: "paused", users: [], ...one })),
	});
	return stage;
}

/** Asks for everything on nas and ticks once, so that the first parts are begun. */
function press(stage: Stage, request: Partial<Request> = {}): RunId {
	const { run, failure } = stage.ask({ ...everything, ...request });
	assert.ok(run !== undefined, failure?.message);
	stage.pass(1);
	return run;
}

function documentOf(stage: Stage, run: RunId): RunDocument {
	return RunDocument.parse(runDocument(stage.core.parts, run));
}

/** The command that was begun last, however often an older one was sent again. */
function newest(stage: Stage): RunCommand {
	const command = stage.begun().at(-1);
	assert.ok(command !== undefined, "nothing was begun");
	return command;
}

/** Its state and those of its parts, as every door shows them. */
function lookAt(stage: Stage, run: RunId): string[] {
	const { run: whole, parts = [] } = documentOf(stage, run);
	return [whole.state, ...parts.map(({ resource, state }) => `${resource} ${state}`)];
}

function end(stage: Stage, resource: ResourceId, state: "succeeded" | "partial" | "failed" | "inconsistent") {
	const command = stage.begun().findLast((one) => one.resource === resource);
	assert.ok(command !== undefined, `${resource} was not begun`);
	const result = state === "succeeded" ? { result: backupResult("0123456789", stage.nowMs) } : {};
	stage.report(command.id, { state, sequence: 1, ...result });
	stage.pass(1);
}

test("everything on a host is one run: stacks first, what is in none of them after, nothing twice", () => {
	using stage = openStage();
	const run = press(stage);
	assert.deepEqual(lookAt(stage, run), [
		"requested",
		"stack:media requested",
		"path:/srv/photos requested",
		"volume:lonely requested",
	]);
	assert.deepEqual(
		stage.begun().map(({ operation, params }) => [operation, params]),
		[
			["stack.backup", { stack: "media" }],
			["path.backup", { path: "/srv/photos" }],
		],
		"two at a time",
	);
	end(stage, media, "succeeded");
	assert.deepEqual(lookAt(stage, run).slice(0, 2), ["running", "stack:media succeeded"]);
	assert.equal(newest(stage).operation, "volume.backup");
	end(stage, photos, "succeeded");
	assert.equal(documentOf(stage, run).run.state, "running");
	end(stage, lonely, "succeeded");
	const { run: ended, parts } = documentOf(stage, run);
	assert.equal(ended.state, "succeeded");
	assert.deepEqual(ended.result, { parts: 3, succeeded: 3, bytes: 30 });
	assert.ok(parts?.every((part) => part.run?.askedBy === "operator" && part.run.archive !== undefined));
	assert.equal(stage.begun().length, 3);
	assert.equal(stage.retained(stage.topics.run(run))?.["state"], "succeeded");
	assert.equal(stage.status(wholeHost(nas))?.["backup"], "succeeded");
});

test("one part that fails keeps the others going, and the whole from being called succeeded", () => {
	using stage = openStage();
	const run = press(stage);
	end(stage, media, "failed");
	end(stage, lonely, "succeeded");
	end(stage, photos, "succeeded");
	const { run: whole } = documentOf(stage, run);
	assert.equal(whole.state, "partial");
	assert.equal(whole.failure?.code, "part-failed");
	assert.match(whole.failure?.message ?? "", /^1 of 3 parts .* did not succeed: stack:media failed$/);
	assert.equal(stage.status(wholeHost(nas))?.["backup"], "partial");
});

test("two presses at once are one run, and a resource that is being backed up already is not backed up twice", () => {
	using stage = openStage();
	const own = stage.ask({ params: { volume: "lonely" } });
	const [first, second] = [stage.ask(everything, homeAssistant), stage.ask(everything)];
	assert.equal(first.run, second.run);
	assert.deepEqual([first.joined, second.joined], [false, true]);
	stage.pass(2);
	assert.equal(stage.begun().filter(({ resource }) => resource === lonely).length, 1);
	const { parts = [] } = documentOf(stage, RunId.parse(first.run));
	assert.equal(parts.find(({ resource }) => resource === lonely)?.run?.run, own.run);
});

test("a cancel cancels what waits and what is under way, leaves what is done, and what somebody else asked for", () => {
	using stage = openStage();
	const own = stage.ask({ params: { volume: "lonely" } });
	const run = press(stage);
	end(stage, media, "succeeded");
	cancelRun(stage.core, run, operator);
	const cancels = stage.commands().flatMap((command) => (command.kind === "cancel" ? [command.command] : []));
	assert.deepEqual(
		stage.begun().flatMap(({ id, resource }) => (cancels.includes(id) ? [resource] : [])),
		[photos],
	);
	for (const id of cancels) stage.report(id, { state: "cancelled", sequence: 1 });
	stage.pass(1);
	assert.equal(documentOf(stage, run).run.state, "running", "somebody else's goes on");
	end(stage, lonely, "succeeded");
	assert.deepEqual(lookAt(stage, run), [
		"partial",
		"stack:media succeeded",
		"path:/srv/photos cancelled",
		"volume:lonely succeeded",
	]);
	assert.equal(documentOf(stage, RunId.parse(own.run)).run.state, "succeeded");
	assert.throws(() => cancelRun(stage.core, run, operator), /ended as partial/);
});

test("a whole that is cancelled before anything began has done nothing", () => {
	using stage = openStage();
	const { run } = stage.ask(everything);
	const document = cancelRun(stage.core, RunId.parse(run), operator);
	assert.equal(document.run.state, "cancelled");
	stage.pass(60);
	assert.deepEqual(stage.begun(), []);
});

test("a host that goes away in the middle is waited for, and what never got its turn in 12 hours never began", () => {
	using stage = openStage();
	const run = press(stage);
	end(stage, media, "succeeded");
	end(stage, photos, "succeeded");
	stage.presence(nas, "offline");
	stage.pass(180);
	assert.equal(documentOf(stage, run).run.state, "unknown");
	stage.presence(nas, "online", "s2");
	end(stage, lonely, "succeeded");
	assert.equal(documentOf(stage, run).run.state, "succeeded");

	const late = stage.ask(everything);
	stage.presence(nas, "offline", "s2");
	stage.pass(6);
	stage.jump(13 * 3600);
	stage.pass(130);
	const parts = documentOf(stage, RunId.parse(late.run)).parts ?? [];
	assert.equal(parts.at(-1)?.state, "expired");
	assert.equal(parts.at(-1)?.run, null);
	assert.match(parts.at(-1)?.failure?.message ?? "", /volume:lonely found no time to begin/);
});

test("a part that another operation holds up is backed up after it, and the others before", () => {
	using stage = openStage();
	const kept = archive(stage.nowMs);
	stage.archives(nas, lonely, [kept]);
	stage.ask({ operation: "volume.verify", params: { volume: "lonely", archive: kept.id } });
	const verify = newest(stage);
	press(stage);
	assert.deepEqual(
		stage.begun().map(({ operation }) => operation),
		["volume.verify", "stack.backup", "path.backup"],
	);
	stage.report(verify.id, { state: "succeeded", sequence: 1 });
	end(stage, media, "succeeded");
	assert.equal(newest(stage).operation, "volume.backup");
});

test("a choice goes to the parts that know it, and into a repository go volumes and folders one by one", () => {
	using stage = openStage();
	const choice = { host: "nas", consistency: "stopped", images: true, hooks: [], forceDatabaseFiles: true };
	const first = press(stage, { params: choice });
	assert.deepEqual(
		stage.begun().map(({ params }) => params),
		[
			{ stack: "media", consistency: "stopped", images: true },
			{ path: "/srv/photos", consistency: "stopped", hooks: [], forceDatabaseFiles: true },
		],
	);
	cancelRun(stage.core, first, operator);
	for (const { id } of stage.begun()) stage.report(id, { state: "cancelled", sequence: 1 });
	stage.pass(1);
	assert.equal(documentOf(stage, first).run.state, "cancelled");
	const before = stage.begun().length;
	press(stage, { params: { host: "nas", repository: "b2" } });
	const order: string[] = [];
	for (let round = 0; round < 3; round += 1) {
		const begun = stage.begun().slice(before);
		assert.equal(begun.length, round + 1, "one writer for each repository");
		order.push(String(begun.at(-1)?.resource));
		end(stage, ResourceId.parse(begun.at(-1)?.resource), "succeeded");
	}
	assert.deepEqual(order, [photos, lonely, inMedia]);
});

test("what cannot be backed up as a whole is refused, says why, and begins nothing", () => {
	using stage = openStage();
	const refused = (request: Partial<Request>, principal = operator) => {
		const { failure } = stage.ask({ ...everything, ...request }, principal);
		return `${failure?.code}: ${failure?.message}`;
	};
	assert.match(refused({ params: {} }), /^request-malformed: /);
	assert.match(refused({ params: { host: "attic" } }), /^request-malformed: everything on attic cannot/);
	assert.match(refused({ host: attic, params: { host: "attic" } }), /^host-not-found: /);
	assert.match(refused({ operation: "host.restore" }), /^unsupported: /);
	const empty = HostName.parse("empty");
	stage.host(empty, []);
	assert.match(refused({ host: empty, params: { host: empty } }), /^resource-not-found: empty has nothing/);
	stage.presence(nas, "offline");
	stage.pass(6);
	assert.match(refused({}, homeAssistant), /^host-offline: /);
	assert.equal(stage.status(wholeHost(nas))?.["backup"], "rejected");
	assert.match(String(stage.status(wholeHost(nas))?.["reason"]), /not connected/);
	assert.deepEqual(stage.runCommands(), []);
});

test("a schedule of everything on a host runs it, its policy holds for each part, and a volume is covered by its stack", () => {
	using stage = openStage();
	addSchedule(
		stage.core.parts,
		{ name: "nightly", target: "nas/*", cron: "0 3 * * *", timeZone: "UTC", jitterSeconds: 0, keepLast: 3 },
		operator,
	);
	stage.jump(15 * 3600);
	const run = RunId.parse(stage.core.parts.runs.newest(nas, wholeHost(nas)).get("backup")?.run);
	stage.archives(nas, media, [archive(stage.nowMs)]);
	end(stage, media, "succeeded");
	assert.deepEqual(
		stage
			.begun()
			.filter(({ operation }) => operation.endsWith(".prune"))
			.map(({ params }) => params),
		[{ stack: "media", policy: { last: 3 } }],
	);
	stage.report(newest(stage).id, { state: "succeeded", sequence: 1 });
	for (const resource of [photos, lonely]) {
		stage.archives(nas, resource, [archive(stage.nowMs)]);
		end(stage, resource, "succeeded");
	}
	assert.equal(documentOf(stage, run).run.state, "succeeded");
	assert.equal(documentOf(stage, run).run.askedBy, "schedule");
	assert.ok(!stage.begun().some(({ resource }) => resource === inMedia), "nothing twice");
	const entry = stage.core.parts.fleet.find(nas);
	assert.ok(entry !== undefined);
	stage.jump(26 * 3600);
	const rows = resourceRows(stage.core.parts, entry);
	const told = new Map(
		rows.map(({ resource, state, because, overdue }) => [resource, { state, because, overdue }]),
	);
	assert.equal(told.get(inMedia)?.overdue, false);
	assert.match(told.get(inMedia)?.because ?? "", /in stack:media/);
	assert.equal(told.get(ResourceId.parse("stack:unread"))?.overdue, false, "it is no part");
	stage.jump(2 * 3600);
	assert.equal(stage.status(inMedia)?.["overdue"], true, "when its stack is");
});
