import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, link, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { type ArchiveId, type FolderPath, type InnerPath, OperationError } from "@davit/protocol";
import { perform } from "../agents/perform.ts";
import { labAvailability } from "../lab/availability.ts";
import { openRepositoryRig, type RepositoryRig } from "./open-repository-rig.ts";
import { portray } from "./portray-tree.ts";

// Parts of an archive out of a repository: restored, taken out, read as a sample.

const { restic: unavailable } = await labAvailability();
const options = { skip: unavailable ?? false, timeout: 120_000 };

test(
	"a part is restored from a repository over the present data, and nothing else is touched",
	options,
	async (t) => {
		const opened = await openRepositoryRig(t);
		const { path, rig } = opened;
		const archive = await backUp(opened);
		// What it was linked to is not chosen.
		const whole = portray(join(path, "sub")).replace(/(linked f 644 \d+ \d+) 2/, "$1 1");
		await rm(join(path, "sub"), { recursive: true });
		await mkdir(join(path, "sub"));
		await writeFile(join(path, "sub/stale"), "");
		await writeFile(join(path, "file"), "of today");
		await writeFile(join(path, "new"), "of today");
		const { state, result } = await restore(opened, archive, ["sub", "$odd [name]*"]);
		assert.deepEqual([state, result.removed], ["succeeded", 1]);
		assert.equal(portray(join(path, "sub")), whole);
		assert.equal(await readFile(join(path, "$odd [name]*"), "utf8"), "odd");
		for (const name of ["file", "new"])
			assert.equal(await readFile(join(path, name), "utf8"), "of today", name);
		assert.deepEqual(
			(await readdir(join(rig.config.home, "../srv"))).filter((name) => name.includes("restic")),
			[],
		);
	},
);

test("what is merged from a repository removes nothing", options, async (t) => {
	const opened = await openRepositoryRig(t);
	const { path, rig } = opened;
	const archive = await backUp(opened);
	await rm(join(path, "sub/deep"), { recursive: true });
	await writeFile(join(path, "sub/new"), "of today");
	const action = { action: "restore", archive, merge: true } as const;
	const plan = await perform("path.plan", { path, action }, { context: rig.context() });
	const wanted = { path, archive, merge: true, plan: plan.result.digest } as const;
	const { result } = await perform("path.restore", wanted, { context: rig.context() });
	assert.equal(result.removed, 0);
	assert.equal(await readFile(join(path, "sub/deep/file"), "utf8"), "deep");
	assert.equal(await readFile(join(path, "sub/new"), "utf8"), "of today");
});

test("one file is taken out of a repository, proven", options, async (t) => {
	const opened = await openRepositoryRig(t);
	const { path, rig } = opened;
	const archive = await backUp(opened);
	const wanted = { path, archive, inner: inner("sub/deep/file") };
	const { state, result } = await perform("path.get", wanted, { context: rig.context() });
	assert.deepEqual([state, result.bytes, result.readBytes], ["succeeded", 4, 4]);
	assert.equal(await readFile(result.file, "utf8"), "deep");
});

test(
	"a sample of a repository's archive reads whole files, the same for the same seed, and says how many",
	options,
	async (t) => {
		const opened = await openRepositoryRig(t);
		const { path, rig } = opened;
		for (let at = 0; at < 20; at += 1) await writeFile(join(path, `part ${at}`), `number ${at}`);
		const archive = await backUp(opened);
		const sample = { percent: 10, seed: 7 };
		const read = async () => perform("path.verify", { path, archive, sample }, { context: rig.context() });
		const { state, result } = await read();
		assert.equal(state, "succeeded");
		// 20 parts, file, the odd one, sub/deep/file, large.
		assert.deepEqual(result.sample, { ...sample, files: 3, ofFiles: 24 });
		assert.equal(result.verifiedAt, undefined);
		assert.equal((await read()).result.bytes, result.bytes);
		assert.deepEqual(
			(await readdir(join(rig.config.home, "agent"))).filter((name) => /sample|restic-sample/.test(name)),
			[],
		);
	},
);

test(
	"content of a repository that is not what the manifest says is neither restored nor called well",
	options,
	async (t) => {
		const opened = await openRepositoryRig(t);
		const { path, rig, folder } = opened;
		const archive = await backUp(opened);
		// A restic that gives back other bytes: as if a snapshot had been exchanged for another.
		const forger = join(folder, "forger");
		const { resticProgram } = rig.config;
		await writeFile(
			forger,
			`#!/bin/sh
"${resticProgram}" "$@"; code=$?
case "$*" in *" restore "*) find ${folder} -path '*/.davit-restic-*' -name file -exec sh -c 'echo forged > "$1"; echo x >> ${folder}/fired' _ {} \\; ;; esac
exit $code
`,
		);
		await chmod(forger, 0o700);
		const config = { ...rig.config, resticProgram: forger };
		const before = portray(path);
		await assert.rejects(restore({ ...opened, config }, archive, ["sub"]), corrupt);
		assert.equal(portray(path), before);
		const sample = { percent: 100, seed: 1 };
		await assert.rejects(
			perform("path.verify", { path, archive, sample }, { context: rig.context({ config }) }),
			corrupt,
		);
		assert.ok((await readFile(join(folder, "fired"), "utf8")).length >= 4, "bytes were forged both times");
		const listed = await rig.context().archives.find(archive);
		assert.equal(listed.summary.damaged, true);
	},
);

function corrupt(error: unknown): boolean {
	return error instanceof OperationError && error.code === "archive-corrupt";
}

function inner(path: string): InnerPath {
	// Made here, from the root and without dots.
	return path as InnerPath;
}

async function backUp({ rig, path, repository }: RepositoryRig): Promise<ArchiveId> {
	await plant(path);
	const { state, result } = await perform("path.backup", { path, repository }, { context: rig.context() });
	assert.equal(state, "succeeded");
	return result.archive;
}

async function restore(
	{ rig, path, config = rig.config }: RepositoryRig & { readonly config?: RepositoryRig["rig"]["config"] },
	archive: ArchiveId,
	paths: string[],
) {
	const context = rig.context({ config });
	const choice = { paths: paths.map(inner) };
	const action = { action: "restore", archive, ...choice } as const;
	const { result } = await perform("path.plan", { path, action }, { context });
	assert.deepEqual(result.blockers, []);
	return await perform("path.restore", { path, archive, ...choice, plan: result.digest }, { context });
}

async function plant(path: FolderPath): Promise<void> {
	await mkdir(join(path, "sub/deep"), { recursive: true });
	await writeFile(join(path, "sub/deep/file"), "deep");
	await writeFile(join(path, "$odd [name]*"), "odd");
	await writeFile(join(path, "large"), randomBytes(300_000));
	await link(join(path, "file"), join(path, "sub/linked"));
	await symlink("deep", join(path, "sub/pointing"));
	await chmod(join(path, "sub"), 0o2750);
}
