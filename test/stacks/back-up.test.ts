import assert from "node:assert/strict";
import { readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import { zstdDecompressSync } from "node:zlib";
import { openSecrets } from "@davit/agents/stack/seal-secrets.ts";
import { perform } from "../agents/perform.ts";
import { sqlite, startProgram } from "../agents/start-program.ts";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { busyboxImage, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { isFailure } from "./is-failure.ts";
import { openStackScene, planted, plantKeys, type StackScene, stack, stackId, subnet } from "./open-stack.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);

suite("a Compose project is backed up as a whole", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let scene: StackScene;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "26.1" }] }, signal);
		host = laboratory.host("nas");
		scene = await openStackScene(host, signal);
		await scene.start();
	});
	afterEach(() => rm(join(scene.rig.config.home, "agent"), { recursive: true, force: true }));
	after(() => laboratory[Symbol.asyncDispose]());

	test("volume, folder, files, network, images and secrets are in one verified archive, and no secret in plain text", async () => {
		const recovery = await plantKeys(scene.rig.config.home);
		// A database whose container is held still is copied like anything else.
		await using _program = await startProgram(sqlite("wal"), join(scene.folder, "www"));
		const context = scene.rig.context();
		const { state, result } = await perform("stack.backup", { stack, consistency: "stopped" }, { context });
		assert.deepEqual(result.warnings, []);
		assert.equal(state, "succeeded");
		assert.ok(result.downtimeMs > 0);
		const { summary, folder, manifest } = await context.archives.find(result.archive);
		assert.deepEqual(summary.proof, ["taken", "verified"]);
		assert.equal(manifest.resource, stackId);
		assert.deepEqual(
			manifest.stack?.parts.map(({ resource }) => resource),
			[`path:${join(scene.folder, "notes")}`, `path:${join(scene.folder, "www")}`, `volume:${stack}_data`],
		);
		assert.deepEqual(manifest.stack.leftOut, [
			{ what: "/etc/hostname", why: "it is the machine's own", isLoss: false },
		]);
		assert.equal(manifest.writers.length, 2);
		// Made here, so no registry has them: they are in the archive.
		assert.notEqual(manifest.stack.images, null);
		const files = await readEverything(folder);
		assert.deepEqual(findPlanted(files), [], "a secret stands in the archive");
		const secrets = await openSecrets(folder, [recovery]);
		assert.deepEqual(
			findPlanted([
				JSON.stringify(secrets),
				...secrets.files.map(({ content }) => Buffer.from(content, "base64").toString()),
			]),
			[...Object.values(planted)].sort(),
		);
		const text = files.join("\n");
		for (const kept of [
			subnet,
			busyboxImage,
			writerImage,
			"TZ",
			"httpd.conf",
			"com.docker.compose.network",
		]) {
			assert.ok(text.includes(kept), `${kept} is not in the archive`);
		}
		assert.match(await scene.ask(), /the first page/);
	});

	test("without a key the secrets are left out, and the backup says so", async () => {
		const context = scene.rig.context();
		const { state, result } = await perform("stack.backup", { stack, images: false }, { context });
		assert.equal(state, "partial");
		assert.match(result.warnings.join("\n"), /secrets were left out: there is no key to encrypt them with/);
		const { folder, manifest } = await context.archives.find(result.archive);
		assert.deepEqual(findPlanted(await readEverything(folder)), []);
		assert.deepEqual(
			[manifest.stack?.secrets, manifest.stack?.hasSecrets, manifest.stack?.images],
			[null, true, null],
		);
	});

	test("a plan says what a backup would stop, for how long and how much it copies, and the backup says what was foretold", async () => {
		const consistency = "stopped";
		const { result: plan } = await perform(
			"stack.preview",
			{ stack, consistency },
			{ context: scene.rig.context() },
		);
		assert.deepEqual(
			plan.holds.map(({ name, treatment }) => [name, treatment]),
			[
				[`${stack}-db-1`, "stopped"],
				[`${stack}-web-1`, "stopped"],
			],
		);
		assert.deepEqual([plan.resource, plan.consistency, plan.blockers], [stackId, consistency, []]);
		assert.ok(plan.predictedDowntimeMs !== undefined && plan.predictedDowntimeMs > 0, "by the backup above");
		assert.ok((plan.contentBytes ?? 0) > 0);
		const context = scene.rig.context();
		const { result } = await perform("stack.backup", { stack, consistency, images: false }, { context });
		assert.ok(result.predictedDowntimeMs !== undefined && result.downtimeMs > 0);
		const { manifest } = await context.archives.find(result.archive);
		assert.equal(manifest.predictedDowntimeMs, result.predictedDowntimeMs);
		await using _program = await startProgram(sqlite("wal"), join(scene.folder, "notes"));
		const blocked = await perform("stack.preview", { stack, consistency }, { context: scene.rig.context() });
		assert.deepEqual(
			blocked.result.blockers.map(({ code }) => code),
			["database-files"],
		);
	});

	test("a part that was damaged, or changed for another archive's, makes the whole archive damaged", async () => {
		const context = scene.rig.context();
		const { result } = await perform("stack.backup", { stack, images: false }, { context });
		const { folder, manifest } = await context.archives.find(result.archive);
		const [part] = manifest.stack?.parts ?? [];
		assert.ok(part);
		await rm(join(folder, part.folder, "content.tar.zst"), { force: true });
		await rm(join(folder, part.folder, "content.tar.zst.age"), { force: true });
		await assert.rejects(
			perform("stack.verify", { stack, archive: result.archive }, { context: scene.rig.context() }),
			isFailure("archive-corrupt"),
		);
		assert.equal((await context.archives.find(result.archive)).summary.damaged, true);
	});

	test("a part with a database that goes on running is refused by name, and copied by force as partial", async () => {
		for (const [name, consistency] of [
			["www", "live"],
			["notes", "stopped"],
		] as const) {
			const part = `path:${join(scene.folder, name)}`;
			await using _program = await startProgram(sqlite("wal"), join(scene.folder, name));
			const params = { stack, images: false, consistency };
			const refusal = `^${part} was not backed up: app\\.db is a database's \\(SQLite\\), which .* has in use`;
			await assert.rejects(perform("stack.backup", params, { context: scene.rig.context() }), {
				code: "database-files",
				message: new RegExp(refusal),
			});
			// Its container only reads the notes, so that it is stopped for another part is no protection.
			if (name !== "notes") continue;
			const context = scene.rig.context();
			const forced = { ...params, forceDatabaseFiles: true };
			const { state, result } = await perform("stack.backup", forced, { context });
			assert.equal(state, "partial");
			const warning = new RegExp(`${part}: app\\.db is a database's .* and was copied while it ran`);
			assert.match(result.warnings.join("\n"), warning);
			const { manifest } = await context.archives.find(result.archive);
			assert.match(manifest.warnings.join("\n"), warning);
			const partial = manifest.stack?.parts.filter(({ outcome }) => outcome === "partial");
			assert.deepEqual(
				partial?.map(({ resource }) => resource),
				[part],
			);
		}
	});

	test("a stack that nobody has, or whose files cannot be read, is refused with a word on what to do", async () => {
		const unknown = perform(
			"stack.backup",
			{ stack: "nothing" as typeof stack },
			{ context: scene.rig.context() },
		);
		await assert.rejects(unknown, isFailure("resource-not-found"));
		const config = { ...scene.rig.config, folders: [] };
		const unreadable = perform("stack.backup", { stack }, { context: scene.rig.context({ config }) });
		await assert.rejects(unreadable, isFailure("stack-unreadable"));
		const without = { ...scene.rig.config, compose: "/nowhere/docker-compose" };
		const missing = perform("stack.backup", { stack }, { context: scene.rig.context({ config: without }) });
		await assert.rejects(missing, isFailure("compose-missing"));
	});
});

/** Every file of an archive as it lies there, and what its zstd frames hold. */
async function readEverything(folder: string): Promise<string[]> {
	const texts: string[] = [];
	for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
		if (!entry.isFile()) continue;
		const bytes = await readFile(join(entry.parentPath, entry.name));
		texts.push(bytes.toString("latin1"));
		if (entry.name.endsWith(".zst")) texts.push(unpackFrames(bytes));
	}
	return texts;
}

/** Node's decoder stops after one frame, so each is found by zstd's magic number, which may stand within one by chance. */
function unpackFrames(bytes: Buffer): string {
	const magic = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);
	let text = "";
	for (let at = bytes.indexOf(magic); at !== -1; at = bytes.indexOf(magic, at + 4))
		text += unpackFrame(bytes.subarray(at));
	assert.notEqual(text, "", "nothing could be decoded, so nothing was looked through");
	return text;
}

function unpackFrame(bytes: Buffer): string {
	try {
		return zstdDecompressSync(bytes).toString("latin1");
	} catch (error) {
		assert.match(String(error), /zstd|decompress|frame|corrupt|block/i);
		return "";
	}
}

function findPlanted(texts: readonly string[]): string[] {
	return Object.values(planted)
		.filter((secret) => texts.some((text) => text.includes(secret)))
		.sort();
}
