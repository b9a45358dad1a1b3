import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { type ArchiveId, RestoreChoice as Choice, FolderPath, type RestoreChoice } from "@davit/protocol";
import { openRig, type Rig } from "./open-rig.ts";
import { Died, perform } from "./perform.ts";

// Restores of a part, of a merge and under a new name, of a folder without an engine.

const signal = AbortSignal.timeout(300_000);
let scratch = "";
let rig: Rig;
let path: FolderPath;
let archive: ArchiveId;

before(async () => {
	scratch = await mkdtemp(join(tmpdir(), "davit-choice-"));
	path = FolderPath.parse(join(scratch, "srv/photos"));
	await mkdir(join(path, "album"), { recursive: true });
	rig = await openRig({ folder: scratch, folders: [join(scratch, "srv")] }, signal);
	for (const name of ["notes", "album/one", "album/two"]) await writeFile(join(path, name), `old ${name}`);
	const { result } = await perform("path.backup", { path }, { context: rig.context() });
	archive = result.archive;
});
after(() => rm(scratch, { recursive: true, force: true }));

/** What is there now: two files changed, one gone, one new. */
async function change(): Promise<Readonly<Record<string, string>>> {
	await rm(path, { recursive: true });
	await mkdir(join(path, "album"), { recursive: true });
	await writeFile(join(path, "notes"), "new notes");
	await writeFile(join(path, "album/one"), "new one");
	await writeFile(join(path, "album/since"), "since");
	return read(path);
}

async function read(folder: string): Promise<Readonly<Record<string, string>>> {
	const entries = await readdir(folder, { recursive: true, withFileTypes: true });
	const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
	return Object.fromEntries(
		await Promise.all(
			files.sort().map(async (file) => [file.slice(folder.length + 1), await readFile(file, "utf8")]),
		),
	);
}

async function plan(choice: RestoreChoice) {
	const action = { action: "restore", archive, ...choice } as const;
	return (await perform("path.plan", { path, action }, { context: rig.context() })).result;
}

async function restore(choice: RestoreChoice, interference: { dieAfter?: string } = {}) {
	const { digest } = await plan(choice);
	return perform(
		"path.restore",
		{ path, archive, plan: digest, ...choice },
		{ context: rig.context(), ...interference },
	);
}

const chosen = Choice.parse({ paths: ["album"] });

test("only the chosen paths become what the archive holds, as the plan counted, and an undo brings all back", async () => {
	const before = await change();
	const { replaces, adds, removes, choice } = await plan(chosen);
	assert.deepEqual({ replaces, adds, removes, choice }, { replaces: 1, adds: 1, removes: 1, choice: chosen });
	const { state, result } = await restore(chosen);
	assert.deepEqual([state, result.replaced, result.added, result.removed], ["succeeded", 1, 1, 1]);
	const expected = { notes: "new notes", "album/one": "old album/one", "album/two": "old album/two" };
	assert.deepEqual(await read(path), expected);
	const undo = await perform("path.plan", { path, action: { action: "undo" } }, { context: rig.context() });
	await perform("path.undo", { path, plan: undo.result.digest }, { context: rig.context() });
	assert.deepEqual(await read(path), before);
});

test("a merge removes nothing", async () => {
	await change();
	const { result } = await restore({ merge: true });
	assert.deepEqual([result.replaced, result.added, result.removed], [2, 1, 0]);
	const old = { notes: "old notes", "album/one": "old album/one", "album/two": "old album/two" };
	assert.deepEqual(await read(path), { ...old, "album/since": "since" });
});

test("under a new name all of it, or what was chosen, comes beside the original, which is not touched", async () => {
	const before = await change();
	const beside = join(scratch, "srv/photos-then");
	const { result } = await restore({ as: "photos-then" });
	assert.deepEqual([result.as, result.undo], [`path:${beside}`, undefined]);
	const old = { notes: "old notes", "album/one": "old album/one", "album/two": "old album/two" };
	assert.deepEqual(await read(beside), old);
	const part = join(scratch, "srv/part");
	await restore({ as: part, ...Choice.parse({ paths: ["album/two"] }) });
	assert.deepEqual(await read(part), { "album/two": "old album/two" });
	assert.deepEqual(await read(path), before);
	const { blockers } = await plan({ as: "photos-then" });
	assert.deepEqual(
		blockers.map(({ code }) => code),
		["resource-exists"],
	);
	await assert.rejects(restore({ as: "photos-then" }), { code: "resource-exists" });
	assert.deepEqual(await read(beside), old);
});

test("another choice than the plan's is refused, and so is what cannot be chosen", async () => {
	const before = await change();
	const { digest } = await plan(chosen);
	for (const other of [{}, Choice.parse({ paths: ["notes"] }), { ...chosen, merge: true as const }]) {
		const wanted = { path, archive, plan: digest, ...other };
		await assert.rejects(perform("path.restore", wanted, { context: rig.context() }), { code: "plan-stale" });
	}
	await assert.rejects(plan(Choice.parse({ paths: ["absent"] })), { code: "entry-not-found" });
	await assert.rejects(plan({ as: "/etc/davit-was-here" }), { code: "path-not-allowed" });
	await assert.rejects(plan({ as: "../photos" }), { code: "request-malformed" });
	assert.deepEqual(await read(path), before);
});

test("an agent that dies after any step of it leaves the old data or the chosen, and nothing beside", async () => {
	for (const [choice, steps] of [
		[chosen, ["compose", "check", "set-aside", "put-in-place"]],
		[{ merge: true as const }, ["compose", "check", "set-aside", "put-in-place"]],
		[{ as: "copy" }, ["unpack", "check", "settle"]],
	] as const) {
		for (const dieAfter of steps) {
			const before = await change();
			await rm(join(scratch, "srv/copy"), { recursive: true, force: true });
			const ended = await restore(choice, { dieAfter }).then(
				() => "done",
				(error: unknown) => {
					assert.ok(error instanceof Died, String(error));
					return "undone";
				},
			);
			const isCommitted = dieAfter === "put-in-place" || dieAfter === "settle";
			assert.equal(ended, isCommitted ? "done" : "undone", `${JSON.stringify(choice)} ${dieAfter}`);
			const isOld = JSON.stringify(await read(path)) === JSON.stringify(before);
			assert.equal(isOld, ended === "undone" || "as" in choice, `data after ${dieAfter}`);
			assert.equal(existsSync(join(scratch, "srv/copy")), "as" in choice && ended === "done");
			const beside = (await readdir(join(scratch, "srv"))).filter((name) => name.startsWith(".davit-new-"));
			assert.deepEqual(beside, []);
		}
	}
});
