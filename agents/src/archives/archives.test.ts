import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import {
	cpSync,
	existsSync,
	mkdirSync,
	mkdtempSync,
	readdirSync,
	readFileSync,
	rmSync,
	writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { type ArchiveId, type CommandId, Instant, newId, ResourceId } from "@davit/protocol";
import { numbersFrom, seedOf } from "@davit/protocol/testing/seed.ts";
import { compareTree, isSameTree } from "../files/compare-tree.ts";
import { packTree } from "../files/pack-tree.ts";
import { manifestFor } from "../files/plant-archive.ts";
import { isRoot, plantCorpus } from "../files/plant-corpus.ts";
import { type Archives, openArchives } from "./archives.ts";
import { commitSteps } from "./commit-archive.ts";

const scratch = mkdtempSync(join(tmpdir(), "davit-archives-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const { privateKey, publicKey: key } = generateKeyPairSync("ed25519");
const publicKey = key.export({ type: "spki", format: "der" }).toString("base64");
const signal = new AbortController().signal;
const resource = ResourceId.parse("volume:grafana");
const takenAt = Instant.parse("2026-11-22T02:14:00.000Z");
const now = () => Date.parse("2026-11-22T03:00:00.000Z");
const quiet = () => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const corpus = join(scratch, "corpus");
let made = 0;

before(() => plantCorpus(corpus));

async function open(path?: string): Promise<{ archives: Archives; path: string }> {
	made += 1;
	const chosen = path ?? join(scratch, `archives-${made}`);
	return { archives: await openArchives({ path: chosen, privateKey, publicKey, log, now }), path: chosen };
}

interface Begun {
	readonly archive: ArchiveId;
	readonly partial: string;
	readonly manifest: ReturnType<typeof manifestFor>;
}

async function begin(archives: Archives, root: string, command: CommandId = newId()): Promise<Begun> {
	const archive = archives.archiveOf(command);
	const partial = await archives.begin(resource, archive, takenAt);
	const packed = await packTree({ root, directory: partial, signal });
	return { archive, partial, manifest: manifestFor(packed, { command, publicKey }) };
}

async function take(archives: Archives, root: string): Promise<{ archive: ArchiveId; folder: string }> {
	const { archive, partial, manifest } = await begin(archives, root);
	return { archive, folder: await archives.commit(manifest, partial) };
}

function smallTree(): string {
	made += 1;
	const root = join(scratch, `tree-${made}`);
	mkdirSync(root);
	for (const name of ["one", "two"]) writeFileSync(join(root, name), `this is ${name}`);
	return root;
}

test("an archive is listed, found and verified, and its proof outlives the process", async () => {
	const { archives, path } = await open();
	const { archive, folder } = await take(archives, corpus);
	assert.match(folder, /volume-grafana\/20261122T021400Z-[0-9a-f]{10}$/);
	assert.deepEqual(await archives.resources(), [resource]);
	const [taken] = await archives.list(resource);
	assert.deepEqual([taken?.id, taken?.proof, taken?.damaged], [archive, ["taken"], false]);
	const { entries, verifiedAt } = await archives.verify(archive, { signal });
	assert.deepEqual([entries, verifiedAt], [taken?.entries, "2026-11-22T03:00:00.000Z"]);
	const again = (await open(path)).archives;
	assert.deepEqual((await again.list(resource))[0]?.proof, ["taken", "verified"]);
	assert.equal((await again.find(archive)).folder, folder);
	await assert.rejects(again.find("0123456789" as ArchiveId), { code: "archive-not-found" });
	assert.ok((await again.freeBytes()) > 0);
});

test("restore.sh brings the tree back with sh, zstd and tar alone", {
	skip: !isRoot && "needs root",
}, async () => {
	const { archives } = await open();
	const { folder } = await take(archives, corpus);
	const target = join(scratch, "restored by script");
	const run = spawnSync("sh", [join(folder, "restore.sh"), "restored by script"], {
		cwd: scratch,
		encoding: "utf8",
	});
	assert.equal(run.status, 0, run.stderr);
	assert.ok(
		isSameTree(await compareTree({ wanted: { archive: folder }, root: target, exact: true, signal })),
	);
	const twice = spawnSync("sh", [join(folder, "restore.sh"), target], { encoding: "utf8" });
	assert.equal(twice.status, 2);
	assert.match(twice.stderr, /is not empty; nothing was done/);
});

test("restore.sh unpacks nothing from a damaged archive", async () => {
	const { archives } = await open();
	const { folder } = await take(archives, smallTree());
	flip(join(folder, "content.tar.zst"), 100);
	const target = join(scratch, "not restored");
	const run = spawnSync("sh", [join(folder, "restore.sh"), target], { encoding: "utf8" });
	assert.equal(run.status, 4);
	assert.match(run.stderr, /damaged; nothing was unpacked/);
	assert.deepEqual(readdirSync(target), []);
});

test("ssh-keygen verifies the manifest with the line of RESTORE.md, and refuses another manifest", async () => {
	const { archives } = await open();
	const { folder } = await take(archives, smallTree());
	const line = readFileSync(join(folder, "RESTORE.md"), "utf8")
		.split("\n")
		.find((text) => text.startsWith("nas namespaces="));
	writeFileSync(join(scratch, "allowed_signers"), `${line}\n`);
	const verify = (input: Buffer) =>
		spawnSync(
			"ssh-keygen",
			[
				...["-Y", "verify", "-f", join(scratch, "allowed_signers"), "-I", "nas"],
				...["-n", "davit-archive", "-s", join(folder, "MANIFEST.json.sig")],
			],
			{ input, encoding: "utf8" },
		);
	const manifest = readFileSync(join(folder, "MANIFEST.json"));
	assert.equal(verify(manifest).status, 0, verify(manifest).stderr);
	assert.notEqual(verify(Buffer.concat([manifest, Buffer.from(" ")])).status, 0);
	execFileSync("sha256sum", ["-c", "SHA256SUMS"], { cwd: folder, stdio: "ignore" });
});

test("a crash between any two writes of a commit leaves a half archive or a whole one", async () => {
	const root = smallTree();
	const { archives, path } = await open();
	const { archive, partial, manifest } = await begin(archives, root);
	const template = join(scratch, "template");
	cpSync(path, template, { recursive: true });
	const final = partial.replace(/\.partial$/, "");
	const count = commitSteps({ manifest, partial, final, privateKey }).length;
	assert.ok(count >= 8);
	for (let done = 0; done <= count; done += 1) {
		rmSync(path, { recursive: true });
		cpSync(template, path, { recursive: true });
		const steps = commitSteps({ manifest, partial, final, privateKey });
		for (const step of steps.slice(0, done)) await step.run();
		// The write that was under way when the power went.
		const torn = steps[done]?.name;
		if (torn !== undefined && existsSync(partial)) writeFileSync(join(partial, `${torn}.partial`), "torn");
		const after = (await open(path)).archives;
		const isWhole = done === count;
		assert.equal(
			await after.presence(resource, archive),
			isWhole ? "complete" : "partial",
			`after ${done} writes`,
		);
		assert.equal((await after.list(resource)).length, isWhole ? 1 : 0);
		assert.equal(await after.commit(manifest, partial), final);
		rmSync(join(final, "artefacts.partial"), { force: true });
		rmSync(join(final, "folder.partial"), { force: true });
		rmSync(join(final, "rename.partial"), { force: true });
		await after.verify(archive, { signal });
		assert.deepEqual(readdirSync(dirname(final)), [final.slice(dirname(final).length + 1)]);
		assert.deepEqual(
			readdirSync(final).filter((name) => name.endsWith(".partial")),
			[],
		);
	}
});

test("beginning again removes what the first attempt left, and a discard removes all of it", async () => {
	const { archives, path } = await open();
	const archive = archives.archiveOf(newId());
	const first = await archives.begin(resource, archive, takenAt);
	writeFileSync(join(first, "content.tar.zst"), "half");
	const second = await archives.begin(resource, archive, takenAt);
	assert.deepEqual([first === second, readdirSync(second)], [true, []]);
	assert.equal(await archives.presence(resource, archive), "partial");
	await archives.discard(resource, archive);
	await archives.discard(resource, archive);
	assert.equal(await archives.presence(resource, archive), "absent");
	assert.deepEqual(readdirSync(join(path, "volume-grafana")), []);
});

test("a flipped bit or a cut in any file of an archive is found", async (t) => {
	const { archives } = await open();
	const { archive, folder } = await take(archives, smallTree());
	const seed = seedOf(t);
	const next = numbersFrom(seed);
	for (const name of readdirSync(folder).sort()) {
		const good = readFileSync(join(folder, name));
		for (let round = 0; round < 5; round += 1) {
			const at = next(good.length);
			if (round === 0) writeFileSync(join(folder, name), good.subarray(0, at));
			else flip(join(folder, name), at, next(8));
			const label = `seed ${seed}: ${name}, byte ${at}, ${round === 0 ? "cut" : "flipped"}`;
			await assert.rejects(
				archives.verify(archive, { signal }),
				({ code }) => /corrupt|too-new/.test(code),
				label,
			);
			assert.equal((await archives.list(resource))[0]?.damaged, true, label);
			writeFileSync(join(folder, name), good);
		}
	}
	await archives.verify(archive, { signal });
	assert.deepEqual((await archives.list(resource))[0]?.damaged, false);
});

test("an archive of a newer format is listed as damaged and says which Davit it needs", async () => {
	const { archives } = await open();
	const { archive, folder } = await take(archives, smallTree());
	const manifest = JSON.parse(readFileSync(join(folder, "MANIFEST.json"), "utf8"));
	writeFileSync(join(folder, "MANIFEST.json"), JSON.stringify({ ...manifest, version: 3 }));
	await assert.rejects(archives.find(archive), { code: "archive-too-new", message: /format 3/ });
	assert.deepEqual(
		(await archives.list(resource)).map(({ id, damaged }) => [id, damaged]),
		[[archive, true]],
	);
});

test("a folder without a manifest is no archive, and a failed signature is one that is damaged", async () => {
	const { archives } = await open();
	const [lost, forged] = [await take(archives, smallTree()), await take(archives, smallTree())];
	rmSync(join(lost.folder, "MANIFEST.json"));
	const path = join(forged.folder, "MANIFEST.json");
	writeFileSync(path, readFileSync(path, "utf8").replace('"paused"', '"stopped"'));
	assert.deepEqual(
		(await archives.list(resource)).map(({ id, damaged }) => [id, damaged]),
		[[forged.archive, true]],
	);
	await assert.rejects(archives.find(lost.archive), { code: "archive-not-found" });
	await assert.rejects(archives.find(forged.archive), {
		code: "archive-corrupt",
		message: /not signed by the key/,
	});
});

test("removing takes the folder out of sight before it deletes, and can be done again", async () => {
	const { archives } = await open();
	const { archive, folder } = await take(archives, smallTree());
	cpSync(folder, `${folder}.removing`, { recursive: true });
	rmSync(folder, { recursive: true });
	assert.deepEqual(await archives.list(resource), []);
	await archives.remove(archive);
	await archives.remove(archive);
	assert.deepEqual(readdirSync(dirname(folder)), []);
	const other = await take(archives, smallTree());
	await archives.remove(other.archive);
	assert.deepEqual(readdirSync(dirname(folder)), []);
});

test("sweeping removes what nobody works on and leaves archives and open work alone", async () => {
	const { archives } = await open();
	const whole = await take(archives, smallTree());
	const [mine, left] = [archives.archiveOf(newId()), archives.archiveOf(newId())];
	const minePath = await archives.begin(resource, mine, takenAt);
	const leftPath = await archives.begin(resource, left, takenAt);
	assert.deepEqual(await archives.sweep(new Set([mine])), [leftPath]);
	assert.deepEqual(readdirSync(dirname(whole.folder)).length, 2);
	assert.ok(existsSync(minePath));
	await archives.verify(whole.archive, { signal });
});

function flip(path: string, at: number, bit = 0): void {
	const bytes = readFileSync(path);
	bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);
	writeFileSync(path, bytes);
}
