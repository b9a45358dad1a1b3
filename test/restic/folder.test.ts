import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync } from "node:fs";
import {
	chmod,
	link,
	mkdir,
	readdir,
	readFile,
	rm,
	symlink,
	truncate,
	utimes,
	writeFile,
} from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { listSnapshots } from "@davit/agents/restic/snapshots.ts";
import { type FolderPath, OperationError, resourceId } from "@davit/protocol";
import { perform } from "../agents/perform.ts";
import { labAvailability } from "../lab/availability.ts";
import { openRepositoryRig } from "./open-repository-rig.ts";
import { planned, portray } from "./portray-tree.ts";

const { restic: unavailable } = await labAvailability();
const options = { skip: unavailable ?? false, timeout: 120_000 };
const signal = () => AbortSignal.timeout(60_000);

test("a folder goes into a repository, is verified, and is restored exactly", options, async (t) => {
	const { rig, path, repository, restic, folder, program } = await openRepositoryRig(t);
	await plant(path);
	const before = portray(path);
	const backup = await perform("path.backup", { path, repository }, { context: rig.context() });
	assert.deepEqual([backup.state, backup.result.warnings], ["succeeded", []]);
	const { archive } = backup.result;
	const [listed] = await rig.context().archives.list(resourceId({ kind: "path", path }));
	assert.deepEqual([listed?.id, listed?.repository, listed?.proof], [archive, "disk", ["taken", "verified"]]);
	const [snapshot] = await listSnapshots(restic, { signal: signal() });
	assert.ok(snapshot?.tags?.includes(`davit.archive=${archive}`));

	await rm(join(path, "file"));
	await writeFile(join(path, "stale"), "");
	await chmod(path, 0o755);
	const wanted = await planned(rig, path, archive);
	const { state, result } = await perform("path.restore", wanted, { context: rig.context() });
	assert.deepEqual([state, result.added, result.removed], ["succeeded", 1, 1]);
	assert.equal(portray(path), before);
	const verified = await perform("path.verify", { path, archive }, { context: rig.context() });
	assert.equal(verified.result.entries, backup.result.entries);
	const [entry] = await readdir(join(folder, "home/archives"), { recursive: true }).then((names) =>
		names.filter((name) => name.endsWith("/restore.sh")),
	);
	const script = join(folder, "home/archives", entry ?? "");
	const bare = join(folder, "bare");
	const env = {
		PATH: `${dirname(program)}:/usr/bin:/bin`,
		RESTIC_REPOSITORY: restic.repository.url,
		RESTIC_PASSWORD_FILE: restic.repository.passwordFile,
		RESTIC_CACHE_DIR: join(folder, "bare-cache"),
	};
	const plain = spawnSync("sh", [script, bare], { env, encoding: "utf8" });
	assert.equal(plain.status, 0, plain.stderr);
	assert.equal(portray(join(bare, "data")), before, "without Davit it is the same");
	const drilled = await perform("path.drill", { path, archive }, { context: rig.context() });
	assert.equal(drilled.state, "succeeded");
	const [proven] = await rig.context().archives.list(resourceId({ kind: "path", path }));
	assert.deepEqual(proven?.proof, ["taken", "verified", "drilled"]);
});

test(
	"a byte that rots in the repository is found by verify, and nothing is restored from it",
	options,
	async (t) => {
		const { rig, path, repository, folder } = await openRepositoryRig(t);
		await writeFile(join(path, "file"), "content ".repeat(100_000));
		const { result } = await perform("path.backup", { path, repository }, { context: rig.context() });
		let flipped = 0;
		for (const name of await readdir(join(folder, "repository/data"), {
			recursive: true,
			withFileTypes: true,
		})) {
			if (!name.isFile()) continue;
			const file = join(name.parentPath, name.name);
			const bytes = await readFile(file);
			bytes[Math.floor(bytes.length / 3)] = (bytes[Math.floor(bytes.length / 3)] ?? 0) ^ 0x40;
			await chmod(file, 0o600);
			await writeFile(file, bytes);
			flipped += 1;
		}
		assert.ok(flipped > 0);
		await rm(join(folder, "home/agent/restic-cache"), { recursive: true });
		const verifying = perform("path.verify", { path, archive: result.archive }, { context: rig.context() });
		await assert.rejects(verifying, (error) => error instanceof OperationError);
		const wanted = await planned(rig, path, result.archive).catch((error: unknown) => error);
		if (wanted instanceof Error) return assert.match(wanted.message, /damaged/);
		const restoring = perform("path.restore", wanted as Awaited<ReturnType<typeof planned>>, {
			context: rig.context(),
		});
		await assert.rejects(restoring, (error) => error instanceof OperationError);
		assert.deepEqual(await readdir(join(folder, "srv")), ["data", "other"]);
	},
);

test(
	"a file that changes each time it is read is left out and named; the rest is whole",
	options,
	async (t) => {
		const { rig, path, repository, folder } = await openRepositoryRig(t);
		await writeFile(join(path, "log"), "first\n");
		// A restic that writes into the tree before it begins.
		const meddler = join(folder, "meddler");
		const { resticProgram } = rig.config;
		await writeFile(
			meddler,
			`#!/bin/sh\ncase "$*" in *" backup "*) echo more >> ${path}/log; echo x >> ${folder}/fired;; esac\nexec ${resticProgram} "$@"\n`,
		);
		await chmod(meddler, 0o700);
		const config = { ...rig.config, resticProgram: meddler };
		const { state, result } = await perform(
			"path.backup",
			{ path, repository },
			{ context: rig.context({ config }) },
		);
		assert.equal(state, "partial");
		assert.match(result.warnings.join(), /log: changes while it is read/);
		assert.ok((await readFile(join(folder, "fired"), "utf8")).length >= 4, "the file was written each time");
		await rm(join(path, "file"));
		const wanted = await planned(rig, path, result.archive);
		await perform("path.restore", wanted, { context: rig.context() });
		assert.deepEqual(await readdir(path), ["file"]);
	},
);

test("a second backup reads again only what changed, and adds only that", options, async (t) => {
	const { rig, path, repository, restic } = await openRepositoryRig(t);
	for (let number = 0; number < 20; number += 1) {
		await writeFile(join(path, `part-${number}`), randomBytes(100_000));
		await utimes(join(path, `part-${number}`), 1, 1);
	}
	const first = await perform("path.backup", { path, repository }, { context: rig.context() });
	appendFileSync(join(path, "part-7"), "changed");
	const second = await perform("path.backup", { path, repository }, { context: rig.context() });
	assert.ok(second.result.bytes < first.result.bytes / 5, `${second.result.bytes} of ${first.result.bytes}`);
	assert.equal((await listSnapshots(restic, { signal: signal() })).length, 2);
});

test(
	"retention forgets exactly the snapshots of the archives that its own chooser lets go",
	options,
	async (t) => {
		const { rig, path, repository, restic } = await openRepositoryRig(t);
		const taken: string[] = [];
		for (const day of [1, 2]) {
			const context = rig.context({ now: () => Date.UTC(2026, 0, day) });
			taken.push((await perform("path.backup", { path, repository }, { context })).result.archive);
		}
		const policy = { last: 1, graceSeconds: 0 };
		const { result } = await perform("path.prune", { path, policy }, { context: rig.context() });
		assert.deepEqual(result.removed, taken.slice(0, 1));
		const left = await listSnapshots(restic, { signal: signal() });
		assert.deepEqual(
			left.map(({ tags }) => tags?.includes(`davit.archive=${taken[1]}`)),
			[true],
		);
	},
);

async function plant(path: FolderPath): Promise<void> {
	await mkdir(join(path, "sub/empty"), { recursive: true });
	await writeFile(join(path, "sub/[odd] *name?"), "odd");
	await link(join(path, "file"), join(path, "linked"));
	await symlink("file", join(path, "pointing"));
	await chmod(join(path, "sub"), 0o2750);
	await utimes(join(path, "sub/[odd] *name?"), 1_000_000_000.5, 1_000_000_000.5);
	spawnSync("mkfifo", [join(path, "fifo")]);
	await writeFile(join(path, "sparse"), "");
	await truncate(join(path, "sparse"), 8 * 1024 * 1024);
	await chmod(path, 0o1771);
	await utimes(path, 1_100_000_000.25, 1_100_000_000.25);
}
