import assert from "node:assert/strict";
import { test } from "node:test";
import {
	type ArchiveSummary,
	instantOf,
	maximumMessageBytes,
	type Presence,
	ResourceArchives,
	ResourceId,
	ResourceState,
} from "@davit/protocol";
import type { Archives } from "../archives/archives.ts";
import type { KeepRecords } from "../archives/keep-records.ts";
import { Journal } from "../journal/journal.ts";
import { undoPointsOf } from "../journal/kept-undos.ts";
import { host, setStage, site, topics } from "../rehearsal/rehearse.ts";
import { guardName } from "./guard-name.ts";
import { Retained } from "./keep-retained.ts";
import { ShownResources } from "./show-resources.ts";

const [mine, theirs] = ["journal-of-mine", "journal-of-theirs"];

function presence(session: string, state: Presence["state"] = "online"): Presence {
	return { version: 1, state, session, at: instantOf(0), epoch: 1 };
}

/** Both come back once, as the broker makes them: a connect throws the other one out and publishes its will. */
test("of two agents with one name the second ends and the first stays", () => {
	const first = guardName(mine, 1_000);
	const second = guardName(theirs, 2_000);
	first.born();
	assert.equal(second.hear(presence(first.session, "offline"), true), "nothing");
	second.born();
	assert.equal(second.hear(presence(first.session, "offline"), false), "name-taken");
	first.renew();
	assert.equal(first.hear(presence(second.session), true), "other-came");
	first.born();
	second.renew();
	assert.equal(second.hear(presence(first.session), true), "name-taken");
});

test("a host that was set up anew does not mistake its own past for another agent", () => {
	const guard = guardName(mine, 2_000);
	for (const state of ["online", "offline"] as const) {
		assert.equal(guard.hear(presence(`${theirs}.rs.00000000`, state), true), "nothing");
	}
	guard.born();
	assert.equal(guard.hear(presence(`${theirs}.rs.00000000`), true), "nothing");
});

test("two copies of one disk are told apart, and the late will of an earlier life is not taken for a copy", () => {
	const first = guardName(mine, 1_000);
	const copy = guardName(mine, 2_000);
	first.born();
	copy.born();
	assert.equal(copy.hear(presence(first.session, "offline"), false), "say-again");
	first.renew();
	assert.equal(first.hear(presence(copy.session), true), "other-came");
	copy.renew();
	assert.equal(copy.hear(presence(first.session), true), "name-taken");
});

test("an own will that comes late is answered, and each connection has a session of its own", () => {
	const guard = guardName(mine, 1_000);
	guard.born();
	const old = guard.session;
	guard.renew();
	assert.notEqual(guard.session, old);
	assert.ok(guard.session.length <= 64);
	guard.born();
	assert.equal(guard.hear(presence(old, "offline"), false), "say-again");
	assert.equal(guard.hear(presence(guard.session), false), "nothing");
});

function summary(at: number, changes: Partial<ArchiveSummary> = {}): ArchiveSummary {
	const id = at.toString(16).padStart(10, "0");
	return {
		...{ id, takenAt: instantOf(at), bytes: 1e12, contentBytes: 1e12, entries: 1e9 },
		...{ proof: ["taken", "verified"], consistency: "stopped", outcome: "succeeded", damaged: false },
		...{ fidelity: "full", manifestSha256: "0".repeat(64), durationMs: 1e9, run: "raaaaaaaa" },
		...changes,
		// Only what is read of them here.
	} as ArchiveSummary;
}

function show(archives: Map<ResourceId, ArchiveSummary[]>, file: string) {
	const published: [string, string][] = [];
	const journal = Journal.open({ file, now: () => 0, reserveBytes: 1 });
	const retained = new Retained(
		async (topic, payload) => {
			published.push([topic, payload]);
		},
		(_topic, error) => assert.fail(String(error)),
	);
	const shown = new ShownResources({
		...{
			site,
			host,
			journal,
			retained,
			now: () => 5_000,
			undoPoints: undoPointsOf(journal, { now: () => 5_000, servedMs: () => 5_000 }),
		},
		activityOf: () => null,
		config: { suspicion: { shrinkBelow: 0.5, incompressibleAbove: 0.9 } },
		archives: {
			list: async (resource) => archives.get(resource) ?? [],
			resources: async () => [...archives.keys()],
			records: {
				read: async () => ({ version: 1, next: 1, archives: {} }),
			} as Partial<KeepRecords> as KeepRecords,
			// Nothing else of it is asked for.
		} as Pick<Archives, "list" | "resources" | "records"> as Archives,
	});
	return { published, journal, shown, retained };
}

const [volume, folder] = [ResourceId.parse("volume:grafana"), ResourceId.parse("path:/srv/photos")];

test("the last good backup is the newest that is complete, verified and not damaged", async () => {
	const list = [
		summary(5, { damaged: true }),
		summary(4, { proof: ["taken"] }),
		summary(3, { outcome: "partial" }),
		summary(2),
		summary(1),
	];
	const { published, shown, journal } = show(new Map([[volume, list]]), ":memory:");
	await shown.showOnly(listing());
	const state = ResourceState.parse(
		JSON.parse(new Map(published).get(topics.resourceState(host, volume)) ?? ""),
	);
	assert.equal(state.lastGoodBackup?.takenAt, instantOf(2));
	assert.equal(state.archives, 5);
	journal[Symbol.dispose]();
});

test("what did not change is not published again, and a birth publishes everything", async () => {
	const { published, shown, retained, journal } = show(new Map([[volume, [summary(1)]]]), ":memory:");
	await shown.showOnly(listing(volume, folder));
	assert.equal(published.length, 4);
	await shown.showOnly(listing(volume, folder));
	await shown.refresh(volume);
	assert.equal(published.length, 4);
	await retained.showAll();
	assert.equal(published.length, 8);
	journal[Symbol.dispose]();
});

test("a resource that is gone and has no archives is cleared, also when an earlier life of the agent showed it", async () => {
	const file = `${setStage().home}/journal.sqlite`;
	const before = show(new Map(), file);
	await before.shown.showOnly(listing(volume, folder));
	before.journal[Symbol.dispose]();
	const after = show(new Map([[folder, [summary(1)]]]), file);
	await after.shown.showOnly(listing());
	const cleared = after.published.filter(([, payload]) => payload === "").map(([topic]) => topic);
	assert.deepEqual(cleared, [topics.resourceState(host, volume), topics.resourceArchives(host, volume)]);
	await after.shown.showOnly(listing());
	assert.equal(after.published.filter(([, payload]) => payload === "").length, 2);
	after.journal[Symbol.dispose]();
});

test("nothing of an engine is cleared while that engine is away, and what is gone then is cleared when it is back", async () => {
	const { published, shown, journal } = show(new Map(), ":memory:");
	const cleared = () => published.filter(([, payload]) => payload === "").map(([topic]) => topic);
	await shown.showOnly(listing(volume, folder));
	await shown.showOnly({ ...listing(folder), engineAway: "no Docker engine answers" });
	assert.deepEqual(cleared(), []);
	await shown.showOnly(listing(folder));
	assert.deepEqual(cleared(), [topics.resourceState(host, volume), topics.resourceArchives(host, volume)]);
	journal[Symbol.dispose]();
});

test("two hundred archives and more are shown as far as a message can carry them, newest first", async () => {
	const list = Array.from({ length: 500 }, (_, at) => summary(1_000 - at));
	const { published, shown, journal } = show(new Map([[volume, list]]), ":memory:");
	await shown.showOnly(listing(volume));
	const payload = new Map(published).get(topics.resourceArchives(host, volume)) ?? "";
	assert.ok(Buffer.byteLength(payload) < maximumMessageBytes);
	const { archives } = ResourceArchives.parse(JSON.parse(payload));
	assert.ok(archives.length > 100 && archives.length <= 200, String(archives.length));
	assert.equal(archives[0]?.takenAt, instantOf(1_000));
	journal[Symbol.dispose]();
});

function listing(...ids: readonly ResourceId[]) {
	return { resources: ids.map((id) => ({ id })) };
}
