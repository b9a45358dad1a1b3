import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openArchives } from "@davit/agents/archives/archives.ts";
import type { OperationContext } from "@davit/agents/operation.ts";
import { holdOf } from "@davit/agents/resource/judge-hold.ts";
import {
	type ArchiveId,
	type ArchiveSummary,
	FolderPath,
	type KeepChange,
	OperationError,
	type RetentionPolicy,
	resourceId,
} from "@davit/protocol";
import { openRig } from "./open-rig.ts";
import { Died, perform } from "./perform.ts";

const signal = AbortSignal.timeout(60_000);
const hourMs = 3_600_000;
const graceMs = 7 * 24 * hourMs;
const last = (count: number, more = {}): RetentionPolicy => ({ last: count, ...more });

test("what goes is marked first, can still be restored, and goes when its grace was served", async (t) => {
	const place = await prepare(t);
	const [first, second, third] = await place.backUp(3);
	assert.deepEqual(await place.prune(last(1)), {
		...{ removed: [], kept: 1, marked: [first, second] },
		goesAt: new Date(place.clock.nowMs + graceMs).toISOString(),
	});
	assert.deepEqual(await place.list(), [third, `${second} goes`, `${first} goes`]);
	const action = { action: "restore", archive: present(first) } as const;
	const { result: plan } = await perform(
		"path.plan",
		{ path: place.path, action },
		{ context: place.context() },
	);
	assert.deepEqual(plan.blockers, []);
	// Clocks may say what they like: only served time counts.
	place.clock.nowMs += 3650 * 24 * hourMs;
	assert.deepEqual((await place.prune(last(1))).removed, []);
	place.clock.elapsedMs += graceMs - 1;
	assert.deepEqual((await place.prune(last(1))).removed, []);
	place.clock.elapsedMs += 1;
	assert.deepEqual(await place.prune(last(1)), { removed: [first, second], kept: 1 });
	assert.deepEqual(await place.list(), [third]);
});

test("what is undeleted, pinned or kept by a looser policy loses its mark", async (t) => {
	const place = await prepare(t);
	const [first, second, third] = await place.backUp(3);
	await assert.rejects(
		place.keep({ keep: "undelete", archive: present(first) }),
		withCode("archive-not-marked"),
	);
	await place.prune(last(1));
	await place.keep({ keep: "undelete", archive: present(first) });
	assert.deepEqual(await place.list(), [third, `${second} goes`, `${first} pinned`]);
	await place.prune(last(2));
	assert.deepEqual(await place.list(), [third, second, `${first} pinned`]);
	await place.prune(last(1, { graceSeconds: 0 }));
	assert.deepEqual(await place.list(), [third, `${first} pinned`]);
	await place.keep({ keep: "unpin", archive: present(first) });
	await place.prune(last(1, { graceSeconds: 0 }));
	assert.deepEqual(await place.list(), [third]);
	await assert.rejects(place.keep({ keep: "pin", archive: present(first) }), withCode("archive-not-found"));
});

test("a hold keeps everything, outlives the agent, and ends when it is released", async (t) => {
	const place = await prepare(t);
	const [first, second] = await place.backUp(2);
	await place.keep({ keep: "hold", because: "the disk makes noises" });
	const again = await place.reopen();
	const held = await place.prune(last(1, { graceSeconds: 0 }), again);
	assert.deepEqual(held, { removed: [], kept: 2, heldBecause: "the disk makes noises" });
	await place.keep({ keep: "release" });
	assert.deepEqual((await place.prune(last(1, { graceSeconds: 0 }))).removed, [first]);
	assert.deepEqual(await place.list(), [second]);
});

test("F35 a source that was emptied is backed up, and from then on nothing is removed until a person releases it", async (t) => {
	const place = await prepare(t);
	for (let number = 0; number < 20; number += 1) await writeFile(join(place.path, `photo-${number}`), "jpeg");
	await place.backUp(3);
	assert.equal(await place.hold(), undefined);
	for (const name of await readdir(place.path)) await rm(join(place.path, name));
	const [empty] = await place.backUp(1);
	const said = `backup ${empty} is suspicious: it has 1 entries where 22 were usual`;
	assert.equal(await place.hold(), said);
	const pruned = await place.prune(last(1, { graceSeconds: 0 }));
	assert.deepEqual(pruned, { removed: [], kept: 4, heldBecause: said });
	// However many empty ones come, what is usual is not forgotten.
	await place.backUp(3);
	assert.equal(await place.hold(), said);
	await place.keep({ keep: "release" });
	assert.equal(await place.hold(), undefined);
	assert.equal((await place.prune(last(1, { graceSeconds: 0 }))).removed.length, 6);
});

test("a record of pins that is damaged holds everything", async (t) => {
	const place = await prepare(t);
	await place.backUp(3);
	const folder = join(place.archivesPath, ".keeping");
	const [file] = (await readdir(folder)).filter((name) => name !== "served.json");
	const whole = await readFile(join(folder, present(file)));
	await writeFile(join(folder, present(file)), whole.subarray(0, whole.length / 2));
	const { removed, heldBecause } = await place.prune(last(1, { graceSeconds: 0 }));
	assert.deepEqual(removed, []);
	assert.match(heldBecause ?? "", /what was pinned cannot be read any more/);
});

for (const step of ["keep-again", "mark", "remove"]) {
	test(`F23 an agent that dies once it did '${step}' removes no more than it would have, and the next turn ends it`, async (t) => {
		const place = await prepare(t);
		const [first, second, third, fourth] = await place.backUp(4);
		await place.prune(last(2));
		place.clock.elapsedMs += graceMs;
		// Now the third is to be marked, the second is kept again by its pin, and the first goes.
		const records = place.context().archives.records;
		await records.change(place.resource, (keeping) => {
			const kept = { ...keeping.archives[present(second)], pinnedAt: new Date(0).toISOString() };
			return { ...keeping, archives: { ...keeping.archives, [present(second)]: kept } } as typeof keeping;
		});
		const params = { path: place.path, policy: last(1) };
		const dying = perform("path.prune", params, { context: place.context(), dieAfter: step });
		await dying.catch((error: unknown) => assert.ok(error instanceof Died));
		const left = await place.list();
		for (const [archive, name] of [
			[fourth, "newest"],
			[second, "pinned"],
			[third, "marked"],
		] as const) {
			assert.ok(
				left.some((line) => line.startsWith(String(archive))),
				`${name} went`,
			);
		}
		await place.prune(last(1));
		assert.deepEqual(await place.list(), [fourth, `${third} goes`, `${second} pinned`]);
		assert.ok(first);
	});
}

async function prepare(t: TestContext) {
	const folder = await realpath(await mkdtemp(join(tmpdir(), "davit-keeping-")));
	t.after(() => rm(folder, { recursive: true }));
	const path = FolderPath.parse(join(folder, "srv/data"));
	await mkdir(path, { recursive: true });
	await writeFile(join(path, "file"), "content");
	const rig = await openRig({ folder, folders: [path] }, signal);
	const clock = { nowMs: Date.UTC(2026, 0, 1), elapsedMs: 0 };
	const resource = resourceId({ kind: "path", path });
	const archivesPath = rig.config.archivesPath;
	const { publicKey } = rig.context().archives;
	const open = () => {
		const now = () => clock.nowMs;
		const quiet = () => undefined;
		const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
		const elapsedMs = () => clock.elapsedMs;
		return openArchives({ path: archivesPath, privateKey: rig.privateKey, publicKey, log, now, elapsedMs });
	};
	const archives = await open();
	const context = (more = archives): OperationContext =>
		rig.context({ archives: more, now: () => clock.nowMs });
	const list = () => archives.list(resource);
	return {
		...{ path, resource, clock, archivesPath, context, reopen: open },
		list: async () => (await list()).map(tell),
		hold: async () => holdOf(await list(), await archives.records.read(resource), rig.config)?.because,
		async backUp(count: number): Promise<ArchiveId[]> {
			const taken: ArchiveId[] = [];
			for (let number = 0; number < count; number += 1) {
				clock.nowMs += 24 * hourMs;
				taken.push((await perform("path.backup", { path }, { context: context() })).result.archive);
			}
			return taken;
		},
		prune: async (policy: RetentionPolicy, more = archives) =>
			(await perform("path.prune", { path, policy }, { context: context(more) })).result,
		keep: (change: KeepChange) => perform("path.keep", { path, change }, { context: context() }),
	};
}

function tell({ id, pinnedAt, goesAt }: ArchiveSummary): string {
	return `${id}${pinnedAt === undefined ? "" : " pinned"}${goesAt === undefined ? "" : " goes"}`;
}

function withCode(code: string) {
	return (error: unknown) => error instanceof OperationError && error.code === code;
}

function present<Value>(value: Value | undefined): Value {
	assert.ok(value !== undefined);
	return value;
}
