import assert from "node:assert/strict";
import { open, readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import type { ArchiveId } from "@davit/protocol";
import { Died, perform } from "../agents/perform.ts";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { isFailure } from "./is-failure.ts";
import { list, openStackScene, plantKeys, type StackScene, stack } from "./open-stack.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);

suite("a whole stack is drilled", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let scene: StackScene;
	let archive: ArchiveId;
	let containers: readonly string[];

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "26.1" }] }, signal);
		host = laboratory.host("nas");
		scene = await openStackScene(host, signal);
		await scene.start();
		await plantKeys(scene.rig.config.home);
		const context = scene.rig.context();
		archive = (await perform("stack.backup", { stack, consistency: "stopped" }, { context })).result.archive;
		containers = await list(host, ["ps", "--all", "--quiet"]);
	});
	afterEach(async () => {
		assert.deepEqual(await list(host, ["ps", "--all", "--quiet"]), containers, "a drill touched containers");
		assert.deepEqual(await list(host, ["volume", "ls", "--quiet"]), [`${stack}_data`], "a scratch is left");
		const { archivesPath, home } = scene.rig.config;
		const left = [...(await readdir(archivesPath)), ...(await readdir(join(host.folder, "opt", stack)))];
		assert.deepEqual(
			left.filter((name) => name.startsWith(".davit-drill")),
			[],
		);
		assert.deepEqual(await readdir(join(home, "stacks")).catch(() => []), []);
	});
	after(() => laboratory[Symbol.asyncDispose]());

	test("a drill that dies in the middle leaves no scratch and no proof", async () => {
		const steps = ["unpack project", `compare volume:${stack}_data`];
		for (const dieAfter of steps) {
			const context = scene.rig.context();
			await assert.rejects(perform("stack.drill", { stack }, { context, dieAfter }), Died);
			assert.deepEqual((await context.archives.find(archive)).summary.proof, ["taken", "verified"], dieAfter);
		}
	});

	test("volumes, folders, images, files and secrets are restored aside, compared, removed, and that is recorded", async () => {
		const context = scene.rig.context();
		const { state, result } = await perform("stack.drill", { stack }, { context });
		assert.equal(state, "succeeded");
		const { summary, manifest } = await context.archives.find(archive);
		assert.deepEqual([result.archive, summary.proof], [archive, ["taken", "verified", "drilled"]]);
		const { parts = [], images } = manifest.stack ?? {};
		const pieces = [...parts, ...(images == null ? [] : [images]), manifest];
		assert.equal(pieces.length, 5);
		assert.equal(
			result.contentBytes,
			pieces.reduce((sum, { contentBytes }) => sum + contentBytes, 0),
		);
		assert.ok(result.restoreMs > 0 && result.compareMs > 0);
	});

	test("an archive whose secrets no key opens, or a part of which rotted, is not proven", async () => {
		const { home } = scene.rig.config;
		await rm(join(home, "agent"), { recursive: true });
		const params = { stack, images: false } as const;
		const without = await perform("stack.backup", params, { context: scene.rig.context() });
		const sealed = { stack, archive: without.result.archive };
		await assert.rejects(
			perform("stack.drill", sealed, { context: scene.rig.context() }),
			isFailure("stack-secrets-sealed"),
		);
		const { archives } = scene.rig.context();
		const { folder, manifest } = await archives.find(sealed.archive);
		await spoil(join(folder, manifest.stack?.parts.at(-1)?.folder ?? "", "content.tar.zst"));
		await assert.rejects(
			perform("stack.drill", sealed, { context: scene.rig.context() }),
			isFailure("archive-corrupt"),
		);
		const { summary } = await archives.find(sealed.archive);
		assert.deepEqual([summary.damaged, summary.proof.includes("drilled")], [true, false]);
	});
});

/** Turns a byte in the middle. */
async function spoil(path: string): Promise<void> {
	const at = Math.floor((await stat(path)).size / 2);
	await using file = await open(path, "r+");
	const byte = Buffer.alloc(1);
	await file.read(byte, 0, 1, at);
	await file.write(Buffer.of((byte[0] ?? 0) ^ 0x40), 0, 1, at);
}
