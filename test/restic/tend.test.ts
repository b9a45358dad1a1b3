import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { test } from "node:test";
import { describeRestic } from "@davit/agents/restic/find-restic.ts";
import { listSnapshots } from "@davit/agents/restic/snapshots.ts";
import { FolderPath, resourceId } from "@davit/protocol";
import { Died, perform } from "../agents/perform.ts";
import { labAvailability } from "../lab/availability.ts";
import { openRepositoryRig, type RepositoryRig } from "./open-repository-rig.ts";

const { restic: unavailable } = await labAvailability();
const options = { skip: unavailable ?? false, timeout: 120_000 };
const signal = () => AbortSignal.timeout(60_000);

test(
	"checks read one part after the other, and damage is found, marked and looked at again",
	options,
	async (t) => {
		const opened = await openRepositoryRig(t, { checkParts: 2 });
		const { rig, path, repository, folder } = opened;
		await writeFile(join(path, "large"), randomBytes(2_000_000));
		await perform("path.backup", { path, repository }, { context: rig.context() });
		const parts: number[] = [];
		for (let time = 0; time < 3; time += 1) parts.push((await check(opened)).result.part);
		assert.deepEqual(parts, [1, 2, 1]);

		const pack = await largestPack(folder);
		// As restic has it: the first byte of a pack's name says which part it is in.
		const damaged = (Number.parseInt(basename(pack).slice(0, 2), 16) % 2) + 1;
		const bytes = await readFile(pack);
		await chmod(pack, 0o600);
		await writeFile(pack, flipped(bytes));
		const seen: number[] = [];
		const failing = async (): Promise<void> => {
			for (let time = 0; time < 2; time += 1) seen.push((await check(opened)).result.part);
		};
		const found = {
			code: "repository-damaged",
			message: new RegExp(`^part ${damaged} of 2 of repository disk`),
		};
		await assert.rejects(failing(), found);
		assert.deepEqual(seen, [2, 1].slice(0, [2, 1].indexOf(damaged)), "the parts before it are well");
		await assert.rejects(check(opened), found, "the same part is read again");

		const shown = await describeRestic(rig.config);
		assert.deepEqual([shown?.available, shown?.name], [false, "restic"]);
		assert.match(shown?.detail ?? "", /^repository disk is damaged, found 2/);
		const before = await packsIn(folder);
		await assert.rejects(prune(opened), { code: "repository-damaged" });
		assert.deepEqual(await packsIn(folder), before);

		await writeFile(pack, bytes);
		assert.equal((await check(opened)).result.part, damaged);
		assert.equal((await describeRestic(rig.config))?.available, true);
	},
);

test(
	"a prune removes what was forgotten and nothing else, also when its agent dies in it",
	options,
	async (t) => {
		const opened = await openRepositoryRig(t);
		const { rig, path, repository, restic, folder } = opened;
		const archives: string[] = [];
		for (const day of [1, 2]) {
			await writeFile(join(path, "large"), randomBytes(1_500_000));
			const context = rig.context({ now: () => Date.UTC(2026, 0, day) });
			const { result } = await perform("path.backup", { path, repository }, { context });
			archives.push(result.archive);
		}
		const policy = { last: 1, graceSeconds: 0 };
		await perform("path.prune", { path, policy }, { context: rig.context() });
		const tagged = async () =>
			(await listSnapshots(restic, { signal: signal() }))
				.flatMap(({ tags }) => tags ?? [])
				.filter((tag) => tag.startsWith("davit.archive="));
		const kept = [`davit.archive=${archives[1]}`];
		assert.deepEqual(await tagged(), kept);
		const before = await bytesIn(folder);
		const { state, result } = await prune(opened);
		assert.equal(state, "succeeded");
		assert.match(result.removed ?? "", /MiB/);
		const freed = before - (await bytesIn(folder));
		assert.ok(freed > 1_400_000 && freed < 1_600_000, `${freed} bytes went`);
		await assert.rejects(prune(opened, "prune"), Died);
		assert.deepEqual(await tagged(), kept);
		const left = await rig.context().archives.list(resourceId({ kind: "path", path }));
		assert.deepEqual(
			left.map(({ id }) => id),
			[archives[1]],
		);
		for (const { id } of left)
			await perform("path.verify", { path, archive: id }, { context: rig.context() });
		assert.deepEqual(await readdir(join(folder, "repository/locks")), []);
	},
);

test("a host is asked about its own archives' folder only", options, async (t) => {
	const { rig, path, repository } = await openRepositoryRig(t);
	const asked = perform("repository.check", { path, repository }, { context: rig.context() });
	await assert.rejects(asked, { code: "path-not-allowed" });
});

function check({ rig, repository }: RepositoryRig) {
	const path = FolderPath.parse(rig.config.archivesPath);
	return perform("repository.check", { path, repository }, { context: rig.context() });
}

function prune({ rig, repository }: RepositoryRig, dieAfter?: string) {
	const path = FolderPath.parse(rig.config.archivesPath);
	const interference = dieAfter === undefined ? {} : { dieAfter };
	return perform("repository.prune", { path, repository }, { context: rig.context(), ...interference });
}

async function packsIn(folder: string): Promise<readonly string[]> {
	const data = join(folder, "repository/data");
	return (await readdir(data, { recursive: true })).filter((name) => name.length > 60).sort();
}

async function sizesIn(folder: string) {
	const packs = (await packsIn(folder)).map((name) => join(folder, "repository/data", name));
	return await Promise.all(packs.map(async (pack) => ({ pack, bytes: (await stat(pack)).size })));
}

async function bytesIn(folder: string): Promise<number> {
	return (await sizesIn(folder)).reduce((sum, { bytes }) => sum + bytes, 0);
}

async function largestPack(folder: string): Promise<string> {
	const [largest] = (await sizesIn(folder)).toSorted((one, other) => other.bytes - one.bytes);
	assert.ok(largest !== undefined);
	return largest.pack;
}

function flipped(bytes: Buffer): Buffer {
	const copy = Buffer.from(bytes);
	copy[1000] = (copy[1000] ?? 0) ^ 0xff;
	return copy;
}
