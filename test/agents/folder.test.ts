import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import {
	chmod,
	mkdir,
	mkdtemp,
	readdir,
	readFile,
	realpath,
	rm,
	symlink,
	utimes,
	writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { expireUndo } from "@davit/agents/resource/expire-undo.ts";
import { type ArchiveId, FolderPath, OperationError, resourceId } from "@davit/protocol";
import { openRig, type Rig } from "./open-rig.ts";
import { Died, perform } from "./perform.ts";

const signal = AbortSignal.timeout(60_000);

test("a folder is backed up and restored exactly, without an engine", async (t) => {
	const { rig, path } = await prepare(t);
	await chmod(join(path, "file"), 0o640);
	await utimes(join(path, "file"), 1_000_000_000, 1_000_000_000);
	const { state, result: taken } = await perform("path.backup", { path }, { context: rig.context() });
	assert.deepEqual([state, taken.entries, taken.consistency], ["succeeded", 2, "stopped"]);
	await rm(join(path, "file"));
	await writeFile(join(path, "stale"), "");
	const wanted = await planned(rig, path, taken.archive);
	const { result } = await perform("path.restore", wanted, { context: rig.context() });
	assert.deepEqual([result.replaced, result.added, result.removed], [0, 1, 1]);
	assert.deepEqual(await readdir(path), ["file"]);
	assert.equal(await readFile(join(path, "file"), "utf8"), "content");
});

test("a folder that is gone is restored", async (t) => {
	const { rig, path } = await prepare(t);
	const { result: taken } = await perform("path.backup", { path }, { context: rig.context() });
	await rm(path, { recursive: true });
	await assert.rejects(
		perform("path.backup", { path }, { context: rig.context() }),
		withCode("path-not-found"),
	);
	const wanted = await planned(rig, path, taken.archive);
	await perform("path.restore", wanted, { context: rig.context() });
	assert.deepEqual(await readdir(path), ["file"]);
});

test("an agent that dies while it restores a folder that was gone leaves none", async (t) => {
	const { rig, path, folder } = await prepare(t);
	const { result: taken } = await perform("path.backup", { path }, { context: rig.context() });
	await rm(path, { recursive: true });
	const wanted = await planned(rig, path, taken.archive);
	const dying = perform("path.restore", wanted, { context: rig.context(), dieAfter: "set-aside" });
	await assert.rejects(dying, Died);
	assert.deepEqual(await readdir(join(folder, "srv")), []);
});

test("an agent that dies once the new data is in place finishes the restore", async (t) => {
	const { rig, path } = await prepare(t);
	const { result: taken } = await perform("path.backup", { path }, { context: rig.context() });
	await writeFile(join(path, "stale"), "");
	const wanted = await planned(rig, path, taken.archive);
	const { result } = await perform("path.restore", wanted, {
		context: rig.context(),
		dieAfter: "put-in-place",
	});
	assert.deepEqual(await readdir(path), ["file"]);
	assert.equal(rig.undoPoints.of(resourceId({ kind: "path", path }))?.command, result.undo);
});

test("undo goes back and forth, and when its time has passed the kept data goes", async (t) => {
	const { rig, path, folder } = await prepare(t);
	const { result: taken } = await perform("path.backup", { path }, { context: rig.context() });
	await writeFile(join(path, "file"), "newer");
	const wanted = await planned(rig, path, taken.archive);
	await perform("path.restore", wanted, { context: rig.context() });
	for (const content of ["newer", "content"]) {
		const action = { action: "undo" } as const;
		const { result: plan } = await perform("path.plan", { path, action }, { context: rig.context() });
		assert.deepEqual([plan.replaces, plan.archive, plan.needsBytes], [1, taken.archive, 0]);
		await perform("path.undo", { path, plan: plan.digest }, { context: rig.context() });
		assert.equal(await readFile(join(path, "file"), "utf8"), content);
	}
	assert.deepEqual(await expireUndo(rig, signal), []);
	rig.undoPoints.serve(31 * 24 * 3_600_000);
	const [expired, ...more] = await expireUndo(rig, signal);
	assert.deepEqual([expired?.failure, more], [undefined, []]);
	assert.deepEqual(await readdir(join(folder, "srv")), ["data"]);
	const undoing = perform("path.plan", { path, action: { action: "undo" } }, { context: rig.context() });
	await assert.rejects(undoing, withCode("undo-not-found"));
});

test("a folder that is not configured, or lies beside one that is, is refused", async (t) => {
	const { rig, folder } = await prepare(t);
	for (const name of ["srv/data-2", "other", "srv"]) {
		await mkdir(join(folder, name), { recursive: true });
		const path = FolderPath.parse(join(folder, name));
		await assert.rejects(
			perform("path.backup", { path }, { context: rig.context() }),
			withCode("path-not-allowed"),
		);
	}
});

test("a symbolic link as the folder or above it is refused, wherever it leads", async (t) => {
	const { rig, path } = await prepare(t);
	await mkdir(join(path, "real/deep"), { recursive: true });
	await symlink("/etc", join(path, "etc"));
	await symlink(join(path, "real"), join(path, "link"));
	for (const name of ["etc", "link/deep", "link/missing"]) {
		const target = FolderPath.parse(join(path, name));
		const backup = perform("path.backup", { path: target }, { context: rig.context() });
		await assert.rejects(backup, withCode("path-not-allowed"));
	}
});

test("a folder that holds the archives or Davit's own state is refused", async (t) => {
	const folder = await makeFolder(t);
	const rig = await openRig({ folder, folders: [folder] }, signal);
	for (const inner of ["", "/home", "/home/archives"]) {
		const path = FolderPath.parse(folder + inner);
		await assert.rejects(
			perform("path.backup", { path }, { context: rig.context() }),
			withCode("path-not-allowed"),
		);
	}
});

test("too little room is said before anything is done, with the disk and the need", async (t) => {
	const { rig, path, folder } = await prepare(t);
	const context = rig.context();
	const archives = { ...context.archives, freeBytes: async () => 3 };
	const backup = perform("path.backup", { path }, { context: { ...context, archives } });
	await assert.rejects(
		backup,
		(error) => withCode("disk-full")(error) && /needs 7 B .* it has 3 B/.test(String(error)),
	);
	assert.equal(existsSync(join(folder, "home/archives/path-data")), false);
});

test("an archive of another folder is not restored", async (t) => {
	const { rig, path } = await prepare(t);
	await mkdir(join(path, "sub"));
	const { result: taken } = await perform("path.backup", { path }, { context: rig.context() });
	const other = FolderPath.parse(join(path, "sub"));
	await assert.rejects(planned(rig, other, taken.archive), withCode("archive-foreign"));
});

async function prepare(t: TestContext) {
	const folder = await makeFolder(t);
	const path = FolderPath.parse(join(folder, "srv/data"));
	await mkdir(path, { recursive: true });
	await writeFile(join(path, "file"), "content");
	return { folder, path, rig: await openRig({ folder, folders: [path] }, signal) };
}

async function makeFolder(t: TestContext): Promise<string> {
	const folder = await realpath(await mkdtemp(join(tmpdir(), "davit-folder-")));
	t.after(() => rm(folder, { recursive: true }));
	return folder;
}

async function planned(rig: Rig, path: FolderPath, archive: ArchiveId) {
	const action = { action: "restore", archive } as const;
	const { result } = await perform("path.plan", { path, action }, { context: rig.context() });
	assert.deepEqual(result.blockers, []);
	return { path, archive, plan: result.digest };
}

function withCode(code: string) {
	return (error: unknown) => error instanceof OperationError && error.code === code;
}
