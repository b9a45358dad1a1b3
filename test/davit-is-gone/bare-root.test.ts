import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { makeIdentity, recipientOf } from "@davit/agents/encryption/age-header.ts";
import { isRoot } from "@davit/agents/files/plant-corpus.ts";
import { kitText } from "@davit/coordinator/recovery/write-kit.ts";
import { findGolden, type GoldenArchive } from "../golden/find-golden.ts";
import { plantVolume } from "../golden/plant-trees.ts";
import { differences, type Portrait, portrayTree } from "../golden/portray-tree.ts";
import { takeArchive, takeStack } from "../golden/take-archive.ts";
import { labAvailability } from "../lab/availability.ts";
import { run } from "../lab/process/run.ts";
import { buildBareRoot, programs } from "./build-bare-root.ts";
import { readCommands, sectionOf } from "./read-commands.ts";
import { type Places, runInRoot } from "./run-in-root.ts";

// Every kind of archive is opened where there is no Davit and no Node: by its own restore.sh, by the words of its RESTORE.md, and by
// those of docs/leave.md.

const signal = AbortSignal.timeout(240_000);
const { hosts: unavailable } = await labAvailability();
const scratch = mkdtempSync(join(tmpdir(), "davit-is-gone-"));
const leave = readFileSync(new URL("../../docs/leave.md", import.meta.url), "utf8");
let root: string;

interface Kind {
	readonly name: string;
	readonly folder: string;
	/** A file of keys, where it is encrypted. */
	readonly kit: string | undefined;
	readonly tree: readonly Portrait[];
	/** The old format's times are whole microseconds as they were restored on the day they were made. */
	readonly toleranceNs: bigint;
}
const kinds: Kind[] = [];

after(() => rmSync(scratch, { recursive: true, force: true }));

suite("without Davit", { skip: unavailable ?? (isRoot ? false : "needs root") }, () => {
	before(async () => {
		root = await buildBareRoot(signal);
		for (const golden of findGolden()) kinds.push(kindOf(golden));
		kinds.push(...(await takeStackKinds()));
		kinds.push(await takeKind("plain"), await takeKind("encrypted"));
	});

	test("the root holds the programs that are named, restic, their libraries, and no Node", async () => {
		assert.deepEqual(readdirSync(join(root, "bin")).sort(), [...programs, "restic"].sort());
		const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
			entry.isFile(),
		);
		for (const { name, parentPath } of files) {
			assert.doesNotMatch(name, /node|davit|\.[cm]?[jt]s$/);
			assert.ok(!readFileSync(join(parentPath, name)).includes("node_modules"), `${name} has Node in it`);
		}
		const { stdout } = await script(
			"for it in age node nodejs davit restic; do command -v $it || echo no $it; done",
			{},
		);
		assert.equal(stdout, "/bin/age\nno node\nno nodejs\nno davit\n/bin/restic\n");
	});

	test("restore.sh brings back every kind of archive, to the nanosecond", async () => {
		for (const kind of kinds) {
			const key = kind.kit === undefined ? "" : " /kit/kit.txt";
			const work = workFolder();
			await succeeds(kind, { line: `sh /archive/restore.sh /work/out${key}`, work });
			assertSame(kind, join(work, "out"));
		}
	});

	test("the commands of RESTORE.md bring it back too, and tell who made it", async () => {
		for (const kind of kinds) {
			const guide = readFileSync(join(kind.folder, "RESTORE.md"), "utf8");
			const [byScript = [], byHand = []] = readCommands(sectionOf(guide, "Restore"));
			for (const block of [byScript, ["mkdir /an/empty/folder", ...byHand]]) {
				const work = workFolder();
				await succeeds(kind, { line: block.join("\n"), work });
				assertSame(kind, join(work, "out"));
			}
			const made = sectionOf(guide, "Who made it");
			const work = workFolder();
			const signer = made.split("\n").find((line) => line.includes(' namespaces="'));
			writeFileSync(join(work, "allowed_signers"), `${signer}\n`);
			const [verify = []] = readCommands(made);
			const { stdout } = await succeeds(kind, {
				line: verify.join("\n").replace("-f allowed", "-f /work/allowed"),
				work,
			});
			assert.match(stdout, /^Good "davit-archive" signature/);
		}
	});

	test("so do those of docs/leave.md", async () => {
		for (const kind of kinds.slice(-2)) {
			const section = kind.kit === undefined ? "A plain archive" : "An encrypted archive";
			const [byScript = [], byHand = [], owner] = readCommands(sectionOf(leave, section));
			for (const block of [byScript, byHand]) {
				const work = workFolder();
				await succeeds(kind, { line: block.join("\n"), work });
				assertSame(kind, join(work, "out"));
			}
			const listings = readCommands(sectionOf(leave, "What is in an archive, without unpacking it"));
			const listing = listings[kind.kit === undefined ? 0 : 1] ?? [];
			const { stdout } = await succeeds(kind, { line: listing.join("\n"), work: workFolder() });
			const named = stdout
				.trimEnd()
				.split("\n")
				.map((line) => JSON.parse(line).path);
			assert.ok(named.includes("data/frames") && named.length >= kind.tree.length);
			if (owner === undefined) continue;
			const { stdout: recipient } = await succeeds(kind, { line: owner.join("\n"), work: workFolder() });
			assert.ok(readFileSync(join(kind.folder, "RESTORE.md"), "utf8").includes(recipient.trim()));
		}
	});

	test("a restic repository opens by the words of docs/leave.md, with restic alone", async () => {
		const [volume, described, repository] = ["volume", "described", "repository"].map((name) =>
			join(scratch, `restic-${name}`),
		);
		assert.ok(volume !== undefined && described !== undefined && repository !== undefined);
		plantVolume(volume);
		mkdirSync(described);
		writeFileSync(join(described, "MANIFEST.json"), "{}\n");
		const kit = kitFolder("restic", "a password\n");
		const at = ["-r", repository, "--no-cache", "--password-file", join(kit, "kit.txt")];
		const restic = join(root, "bin", "restic");
		await run([restic, ...at, "init"], { signal });
		// As the agent stores it: the tree, and what describes it, in one snapshot.
		await run([restic, ...at, "backup", "--", volume, described], { signal });
		const [block = []] = readCommands(sectionOf(leave, "A restic repository"));
		const work = workFolder();
		const filled = block
			.join("\n")
			.replaceAll("/the/repository", "/repository --no-cache --no-lock")
			.replaceAll("/the/password/file", "/kit/kit.txt")
			.replaceAll("/an/empty/folder", "/work/out");
		const ended = await script(`set -e\n${filled}`, { repository, kit, work });
		assert.equal(ended.code, 0, ended.stderr);
		assert.deepEqual(differences(portrayTree(join(work, "out", volume)), portrayTree(volume)), []);
	});

	test("a wrong key, no key, or a damaged archive unpacks nothing and says why", async () => {
		const kind = kinds.at(-1);
		assert.ok(kind?.kit !== undefined);
		const wrong = join(scratch, "wrong");
		mkdirSync(wrong);
		writeFileSync(join(wrong, "kit.txt"), `${await makeIdentity()}\n`);
		const damaged = join(scratch, "damaged");
		cpSync(kind.folder, damaged, { recursive: true });
		const content = readFileSync(join(damaged, "content.tar.zst.age"));
		content[content.length >> 1] = (content[content.length >> 1] ?? 0) ^ 1;
		writeFileSync(join(damaged, "content.tar.zst.age"), content);
		const right = { archive: kind.folder, kit: kind.kit };
		for (const [places, key, code, sentence] of [
			[{ ...right, kit: wrong }, " /kit/kit.txt", 2, /this key does not open this archive/],
			[right, "", 2, /this archive is encrypted/],
			[right, " /kit/none.txt", 2, /this archive is encrypted/],
			[{ ...right, archive: damaged }, " /kit/kit.txt", 4, /damaged; nothing was unpacked/],
		] as const) {
			const work = workFolder();
			const ended = await script(`sh /archive/restore.sh /work/out${key}`, { ...places, work });
			assert.equal(ended.code, code, ended.stderr);
			assert.match(ended.stderr, sentence);
			assert.deepEqual(
				readdirSync(work).flatMap((name) => readdirSync(join(work, name))),
				[],
			);
		}
	});
});

function kindOf({ version, folder, identity, tree }: GoldenArchive): Kind {
	const kit = identity === undefined ? undefined : kitFolder(`golden-${version}`, identity);
	return { name: `golden ${version}`, folder, kit, tree, toleranceNs: 1000n };
}

/** A fresh archive; of an encrypted one nothing but the text of a recovery kit is kept. */
async function takeKind(name: "plain" | "encrypted"): Promise<Kind> {
	const volume = join(scratch, `volume-${name}`);
	plantVolume(volume);
	const identity = await makeIdentity();
	const recipient = await recipientOf(identity, "a test");
	const folder = await takeArchive({
		...{ root: volume, home: join(scratch, `home-${name}`), signal },
		...(name === "encrypted" ? { recovery: recipient } : {}),
	});
	const content = {
		site: "home",
		recipient,
		identity,
		madeAt: "2026-11-28T17:00:00Z",
		places: [],
		provenAt: null,
	};
	const kit = name === "encrypted" ? kitFolder(name, kitText(content)) : undefined;
	return { name, folder, kit, tree: portrayTree(volume), toleranceNs: 0n };
}

/** The archive of a stack, encrypted, and the one of a volume in it. */
async function takeStackKinds(): Promise<Kind[]> {
	const [root, volume] = [join(scratch, "project"), join(scratch, "volume-of-stack")];
	mkdirSync(root);
	writeFileSync(join(root, "compose.rendered.json"), "{}\n");
	plantVolume(volume);
	const identity = await makeIdentity();
	const kit = kitFolder("stack", `${identity}\n`);
	const recovery = await recipientOf(identity, "a test");
	const { folder, part } = await takeStack({
		root,
		volume,
		recovery,
		home: join(scratch, "home-stack"),
		signal,
	});
	return [
		{ name: "stack", folder, kit, tree: portrayTree(root), toleranceNs: 0n },
		{ name: "volume of a stack", folder: part, kit, tree: portrayTree(volume), toleranceNs: 0n },
	];
}

function kitFolder(name: string, text: string): string {
	const folder = mkdtempSync(join(scratch, `kit-${name}-`));
	writeFileSync(join(folder, "kit.txt"), text, { mode: 0o600 });
	return folder;
}

function workFolder(): string {
	return mkdtempSync(join(scratch, "work-"));
}

function script(text: string, places: Partial<Places>) {
	return runInRoot(root, text, { places: { work: workFolder(), ...places }, signal });
}

/** Runs a line of a document in the archive's folder, with its placeholders filled in. */
async function succeeds(kind: Kind, { line, work }: { readonly line: string; readonly work: string }) {
	const filled = line.replaceAll("/an/empty/folder", "/work/out").replaceAll("/the/key/file", "/kit/kit.txt");
	const places = { archive: kind.folder, work, ...(kind.kit === undefined ? {} : { kit: kind.kit }) };
	const ended = await script(`set -e; cd /archive\n${filled}`, places);
	assert.equal(ended.code, 0, `${kind.name}: ${filled}: ${ended.stderr}`);
	return ended;
}

function assertSame({ name, tree, toleranceNs }: Kind, target: string): void {
	assert.deepEqual(differences(portrayTree(target), tree, toleranceNs), [], name);
}
