import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { appendFile, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { listSnapshots } from "@davit/agents/restic/snapshots.ts";
import { resourceId } from "@davit/protocol";
import { perform } from "../agents/perform.ts";
import { labAvailability } from "../lab/availability.ts";
import { openProxy } from "./open-proxy.ts";
import { openRepositoryRig } from "./open-repository-rig.ts";
import { planned, portray } from "./portray-tree.ts";
import { s3BuildMs, startRest, startS3, startSftp } from "./start-servers.ts";

const { restic: unavailable, s3 } = await labAvailability();
const options = { skip: unavailable ?? false, timeout: 120_000 };

for (const [name, start, needed] of [
	["OpenSSH", startSftp, options],
	["rclone serve restic", startRest, options],
	["an S3 server", startS3, { skip: unavailable ?? s3 ?? false, timeout: s3BuildMs + 60_000 }],
] as const) {
	test(`a folder is backed up to ${name}, restored from it exactly, and drilled`, needed, async (t) => {
		const { port: _port, ...settings } = await start(t, await makeFolder(t));
		const { rig, path, repository } = await openRepositoryRig(t, settings);
		const before = portray(path);
		const { state, result } = await perform("path.backup", { path, repository }, { context: rig.context() });
		assert.equal(state, "succeeded");
		await rm(join(path, "file"));
		await writeFile(join(path, "stale"), "");
		const wanted = await planned(rig, path, result.archive);
		await perform("path.restore", wanted, { context: rig.context() });
		// Making the file anew gave its folder another time, and the restore gave it back.
		assert.equal(portray(path), before);
		const drilled = await perform(
			"path.drill",
			{ path, archive: result.archive },
			{ context: rig.context() },
		);
		assert.equal(drilled.state, "succeeded");
		const [proven] = await rig.context().archives.list(resourceId({ kind: "path", path }));
		assert.ok(proven?.proof.includes("drilled"), proven?.proof.join());
	});
}

test(
	"a line that is slow and breaks off is taken up again: one archive, and it is whole",
	options,
	async (t) => {
		const served = await startRest(t, await makeFolder(t));
		await using proxy = await openProxy(served.port, { resets: 2, bytesBetweenResets: 100_000, delayMs: 1 });
		const url = `rest:http://127.0.0.1:${proxy.port}/`;
		const { rig, path, repository, restic } = await openRepositoryRig(t, { url, contactSeconds: 30 });
		await writeFile(join(path, "large"), randomBytes(800_000));
		proxy.arm();
		const { state, result } = await perform("path.backup", { path, repository }, { context: rig.context() });
		assert.equal(state, "succeeded");
		assert.ok(proxy.resets === 2, `the line broke off ${proxy.resets} times`);
		proxy.disarm();
		const snapshots = await listSnapshots(restic, { signal: AbortSignal.timeout(30_000) });
		assert.deepEqual(
			snapshots.map(({ tags }) => tags?.includes(`davit.archive=${result.archive}`)),
			[true],
		);
	},
);

test(
	"a server that goes for good in the middle fails the backup in bounded time, and leaves no archive",
	options,
	async (t) => {
		const served = await startRest(t, await makeFolder(t));
		await using proxy = await openProxy(served.port, { resets: 0, bytesBetweenResets: 0, delayMs: 0 });
		const url = `rest:http://127.0.0.1:${proxy.port}/`;
		const { rig, path, repository, restic } = await openRepositoryRig(t, {
			url,
			contactSeconds: 2,
			stallSeconds: 4,
		});
		await appendFile(join(path, "large"), randomBytes(500_000));
		const before = { copy: () => proxy.close() };
		const backup = perform("path.backup", { path, repository }, { context: rig.context(), before });
		await assert.rejects(backup, { code: "repository-unreachable" });
		assert.ok(proxy.refused > 0, "restic asked in vain");
		assert.deepEqual(await rig.context().archives.resources(), []);
		const direct = { ...restic, repository: { ...restic.repository, url: served.url } };
		assert.deepEqual(await listSnapshots(direct, { signal: AbortSignal.timeout(30_000) }), []);
	},
);

async function makeFolder(t: TestContext): Promise<string> {
	const folder = await realpath(await mkdtemp(join(tmpdir(), "davit-served-")));
	t.after(() => rm(folder, { recursive: true, force: true }));
	return folder;
}
