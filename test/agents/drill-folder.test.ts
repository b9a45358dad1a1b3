import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type ArchiveId, FolderPath, OperationError, resourceId } from "@davit/protocol";
import { openRig, type Rig } from "./open-rig.ts";
import { Died, perform } from "./perform.ts";

const signal = AbortSignal.timeout(60_000);

test("a drill restores the newest verified archive of a folder, compares it, and leaves nothing but the proof", async (t) => {
	const { rig, path, archive } = await prepare(t);
	const before = await treeOf(rig);
	const { state, result } = await perform("path.drill", { path }, { context: rig.context() });
	assert.deepEqual([state, result.archive, result.entries], ["succeeded", archive, 4]);
	assert.equal(result.contentBytes, 100_007);
	assert.ok(result.restoreMs > 0 && result.durationMs >= result.restoreMs);
	const [summary] = await listed(rig, path);
	assert.deepEqual(summary?.proof, ["taken", "verified", "drilled"]);
	assert.deepEqual([summary?.drilledAt, summary?.restoreMs], [result.drilledAt, result.restoreMs]);
	assert.deepEqual(await treeOf(rig), before);
	// A verification afterwards takes nothing of it back.
	await perform("path.verify", { path, archive }, { context: rig.context() });
	assert.deepEqual((await listed(rig, path))[0]?.proof, ["taken", "verified", "drilled"]);
});

test("a folder that is gone is drilled all the same", async (t) => {
	const { rig, path } = await prepare(t);
	await rm(path, { recursive: true });
	const { state } = await perform("path.drill", { path }, { context: rig.context() });
	assert.equal(state, "succeeded");
	await assert.rejects(stat(path), { code: "ENOENT" });
});

test("an archive whose bytes changed fails its drill, is marked as damaged and proves nothing", async (t) => {
	const { rig, path, archive, folder } = await prepare(t);
	await perform("path.drill", { path, archive }, { context: rig.context() });
	await flipMiddle(join(folder, "content.tar.zst"));
	const before = await treeOf(rig);
	await assert.rejects(
		perform("path.drill", { path }, { context: rig.context() }),
		withCode("archive-corrupt"),
	);
	const [summary] = await listed(rig, path);
	assert.deepEqual([summary?.damaged, summary?.proof, summary?.drilledAt], [true, ["taken"], undefined]);
	assert.deepEqual(await treeOf(rig), before);
	// There is none left that could be drilled.
	await assert.rejects(
		perform("path.drill", { path }, { context: rig.context() }),
		withCode("archive-not-found"),
	);
});

test("what was restored and then changed before it was compared fails the drill", async (t) => {
	const { rig, path } = await prepare(t);
	const context = rig.context();
	const scratch = join(rig.config.archivesPath, `.davit-drill-${context.command}`);
	let sabotaged = false;
	const compare = async () => {
		await writeFile(join(scratch, "file"), "CONTENT");
		sabotaged = true;
	};
	const drilling = perform("path.drill", { path }, { context, before: { compare } });
	await assert.rejects(drilling, withCode("archive-corrupt", /differs from it in 1 entries, first file/));
	assert.ok(sabotaged);
	assert.equal((await listed(rig, path))[0]?.damaged, true);
	await assert.rejects(stat(scratch), { code: "ENOENT" });
});

for (const step of ["create", "unpack", "compare", "remove", "prove"]) {
	test(`an agent that dies in a drill after "${step}" leaves nothing, and a proof only where all was done`, async (t) => {
		const { rig, path } = await prepare(t);
		const before = await treeOf(rig);
		const drilling = perform("path.drill", { path }, { context: rig.context(), dieAfter: step });
		if (step === "prove") assert.equal((await drilling).state, "succeeded");
		else await assert.rejects(drilling, Died);
		assert.deepEqual(await treeOf(rig), before);
		const [summary] = await listed(rig, path);
		assert.equal(summary?.proof.includes("drilled"), step === "prove");
		assert.equal(summary?.damaged, false);
	});
}

test("a drill without room is refused before anything is restored", async (t) => {
	const { rig, path } = await prepare(t);
	const config = { ...rig.config, minimumFreeBytes: Number.MAX_SAFE_INTEGER } as typeof rig.config;
	const drilling = perform("path.drill", { path }, { context: rig.context({ config }) });
	await assert.rejects(drilling, withCode("disk-full", /the drill of archive/));
	assert.deepEqual((await listed(rig, path))[0]?.proof, ["taken", "verified"]);
});

test("a proof whose record was changed on the disk proves nothing", async (t) => {
	const { rig, path, folder } = await prepare(t);
	await perform("path.drill", { path }, { context: rig.context() });
	const file = join(folder, "proof.json");
	const good = await readFile(file, "utf8");
	for (const [from, to] of [
		[/"restoreMs":\d+/, '"restoreMs":1234567'],
		[/"at":"2/, '"at":"3'],
		[/"verifiedAt":"2/, '"verifiedAt":"1'],
		[/"sha256":".{4}/, '"sha256":"0000'],
	] as const) {
		const forged = good.replace(from, to);
		assert.notEqual(forged, good);
		await writeFile(file, forged);
		assert.deepEqual((await listed(rig, path))[0]?.proof, ["taken"], String(from));
	}
	await writeFile(file, good);
	assert.deepEqual((await listed(rig, path))[0]?.proof, ["taken", "verified", "drilled"]);
});

test("an archive of another folder is not drilled", async (t) => {
	const { rig, path, archive } = await prepare(t);
	const other = FolderPath.parse(join(path, "sub"));
	const drilling = perform("path.drill", { path: other, archive }, { context: rig.context() });
	await assert.rejects(drilling, withCode("archive-foreign"));
});

interface Prepared {
	readonly rig: Rig;
	readonly path: FolderPath;
	readonly archive: ArchiveId;
	/** The archive's. */
	readonly folder: string;
}

async function prepare(t: TestContext): Promise<Prepared> {
	const root = await realpath(await mkdtemp(join(tmpdir(), "davit-drill-")));
	t.after(() => rm(root, { recursive: true }));
	const path = FolderPath.parse(join(root, "srv/data"));
	await mkdir(join(path, "sub"), { recursive: true });
	await writeFile(join(path, "file"), "content");
	await writeFile(join(path, "sub/more"), Buffer.alloc(100_000, 7));
	const rig = await openRig({ folder: root, folders: [path] }, signal);
	const { result } = await perform("path.backup", { path }, { context: rig.context() });
	const { folder } = await rig.context().archives.find(result.archive);
	return { rig, path, archive: result.archive, folder };
}

function listed(rig: Rig, path: FolderPath) {
	return rig.context().archives.list(resourceId({ kind: "path", path }));
}

/** Everything below the archives' folder and beside the data but the proofs. */
async function treeOf({ config }: Rig): Promise<string[]> {
	const beside = config.folders.map((folder) => join(folder, ".."));
	const found = [];
	for (const place of [config.archivesPath, ...beside]) {
		found.push(...(await readdir(place, { recursive: true })));
	}
	return found.filter((name) => !name.endsWith("proof.json")).sort();
}

async function flipMiddle(file: string): Promise<void> {
	const bytes = await readFile(file);
	const at = bytes.length >> 1;
	bytes[at] = (bytes[at] ?? 0) ^ 1;
	await writeFile(file, bytes);
}

function withCode(code: string, message = /./) {
	return (error: unknown) =>
		error instanceof OperationError && error.code === code && message.test(error.message);
}
