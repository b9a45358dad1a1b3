import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { removeDeadLocks } from "@davit/agents/restic/dead-locks.ts";
import { listSnapshots } from "@davit/agents/restic/snapshots.ts";
import { FolderPath } from "@davit/protocol";
import { perform } from "../agents/perform.ts";
import { labAvailability } from "../lab/availability.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openRepositoryRig, type RepositoryRig } from "./open-repository-rig.ts";

const { restic: unavailable } = await labAvailability();
const options = { skip: unavailable ?? false, timeout: 120_000 };
const signal = () => AbortSignal.timeout(60_000);

test(
	"a lock that a killed restic of this host left is removed and noted, and retention goes on",
	options,
	async (t) => {
		const opened = await openRepositoryRig(t);
		const { rig, path, repository, folder, restic } = opened;
		for (const day of [1, 2]) {
			const context = rig.context({ now: () => Date.UTC(2026, 0, day) });
			await perform("path.backup", { path, repository }, { context });
		}
		const holder = await holdLock(opened);
		assert.deepEqual(await removeDeadLocks(restic, signal()), [], "its program lives");
		holder.kill("SIGKILL");
		await once(holder, "exit");
		assert.equal((await readdir(join(folder, "repository/locks"))).length, 1, "the lock was left");
		const policy = { last: 1, graceSeconds: 0 };
		await perform("path.prune", { path, policy }, { context: rig.context() });
		assert.equal((await listSnapshots(restic, { signal: signal() })).length, 1);
		assert.deepEqual(await readdir(join(folder, "repository/locks")), []);
		const noted = await readFile(join(folder, "home/agent/removed-locks.jsonl"), "utf8");
		assert.match(noted, new RegExp(`"pid":${holder.pid}`));
	},
);

test("who lost the lease to a later command does not count what it wrote", options, async (t) => {
	const { rig, path, repository, restic } = await openRepositoryRig(t);
	const late = rig.context();
	const winner = rig.context();
	const other = FolderPath.parse(join(dirname(path), "other"));
	let won: string | undefined;
	// The other writes from beginning to end while the first waits before it commits.
	const before = {
		seal: async () => {
			const backup = perform("path.backup", { path: other, repository }, { context: winner });
			won = (await backup).result.archive;
		},
	};
	const losing = perform("path.backup", { path, repository }, { context: late, before });
	await assert.rejects(losing, { code: "lease-lost" });
	const left = await listSnapshots(restic, { signal: signal() });
	assert.deepEqual(
		left.map(({ tags }) => tags?.includes(`davit.archive=${won}`)),
		[true],
	);
	assert.deepEqual(await rig.context().archives.resources(), [`path:${other}`]);
});

/** A restic that holds the repository's lock and waits for a command that does not end. */
async function holdLock({ restic, folder, program }: RepositoryRig) {
	const { url, passwordFile } = restic.repository;
	const argv = [
		"--repo",
		url,
		"--password-file",
		passwordFile,
		"backup",
		"--stdin-from-command",
		"--",
		"sh",
		"-c",
		"while kill -0 $PPID; do sleep 0.2; done",
	];
	const env = { RESTIC_CACHE_DIR: join(folder, "other-cache"), PATH: "/usr/bin:/bin", HOME: folder };
	const holder = spawn(program, argv, { stdio: "ignore", env });
	const locks = async () => (await readdir(join(folder, "repository/locks"))).length > 0;
	await pollUntil(locks, { what: "restic holds the lock", timeoutMs: 20_000, signal: signal() });
	return holder;
}
