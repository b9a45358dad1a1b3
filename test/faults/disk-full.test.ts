import assert from "node:assert/strict";
import { statfs } from "node:fs/promises";
import { suite, test } from "node:test";
import { OperationError, resourceId } from "@davit/protocol";
import { perform } from "../agents/perform.ts";
import { labAvailability } from "../lab/availability.ts";
import { type DiskRig, openDiskRig, prepare } from "./open-disk-rig.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(240_000);

suite("a disk that gets full before any step", { skip: unavailable ?? false }, () => {
	test("of a backup never makes an archive that cannot be read, and the next backup works", async (t) => {
		await using scene = await openDiskRig(signal);
		await scene.fill("data");
		const before = await scene.read();
		const names = await stepsOf(scene, "path.backup", { path: scene.path });
		const told = [];
		for (const name of names) {
			const failure = await whileFull(scene, () =>
				perform("path.backup", { path: scene.path }, { ...fullAt(scene, name), signal }),
			);
			assert.deepEqual(await scene.read(), before);
			for (const { id } of await archivesOf(scene)) await scene.rig.context().archives.verify(id, { signal });
			told.push(`${name}: ${failure ?? "succeeded"}`);
		}
		t.diagnostic(told.join(", "));
		assert.match(told.join(), /copy: disk-full/);
		assert.match(told.join(), /seal: disk-full/);
		await scene.backUp();
	});

	test("of a restore leaves all of the old data or all of the archive's, and the next restore works", async (t) => {
		await using scene = await openDiskRig(signal);
		await scene.fill("wanted");
		const wanted = await scene.read();
		const archive = await scene.backUp();
		await scene.fill("old");
		const old = await scene.read();
		const names = await stepsOf(scene, "path.restore", await scene.planned(archive));
		const told = [];
		for (const name of names) {
			const params = await scene.planned(archive);
			const failure = await whileFull(scene, () =>
				perform("path.restore", params, { ...fullAt(scene, name), signal }),
			);
			assert.deepEqual(await scene.read(), failure === undefined ? wanted : old, name);
			told.push(`${name}: ${failure ?? "succeeded"}`);
			if (failure === undefined)
				await scene.fill("old").then(async () => Object.assign(old, await scene.read()));
		}
		t.diagnostic(told.join(", "));
		assert.match(told.join(), /unpack: disk-full/);
		await perform("path.restore", await scene.planned(archive), { context: scene.rig.context() });
		assert.deepEqual(await scene.read(), wanted);
	});
});

async function stepsOf(
	scene: DiskRig,
	...[name, params]:
		| ["path.backup", { path: DiskRig["path"] }]
		| ["path.restore", Awaited<ReturnType<DiskRig["planned"]>>]
): Promise<string[]> {
	const given = { context: scene.rig.context(), signal };
	const steps =
		name === "path.backup" ? await prepare(name, params, given) : await prepare(name, params, given);
	return steps().map((step) => step.name);
}

function fullAt({ rig, disk }: DiskRig, name: string) {
	const fill = async () => {
		await disk.fill();
		assert.equal((await statfs(disk.path)).bavail, 0, `the disk was filled before ${name}`);
	};
	return { context: rig.context(), before: { [name]: fill } };
}

/** The failure's code, or undefined where the step needs no room; the disk was full in either case, and has room again. */
async function whileFull(scene: DiskRig, act: () => Promise<unknown>): Promise<string | undefined> {
	const failure = await act().then(
		() => undefined,
		(error: unknown) => error,
	);
	// What fails here too when the disk was not filled.
	await scene.disk.free();
	if (failure === undefined) return undefined;
	assert.ok(failure instanceof OperationError, String(failure));
	return failure.code;
}

async function archivesOf({ rig, path }: DiskRig) {
	return rig.context().archives.list(resourceId({ kind: "path", path }));
}
