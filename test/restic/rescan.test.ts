import assert from "node:assert/strict";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { forgetSnapshots, listSnapshots } from "@davit/agents/restic/snapshots.ts";
import { FolderPath, resourceId, resourceKey } from "@davit/protocol";
import { perform } from "../agents/perform.ts";
import { labAvailability } from "../lab/availability.ts";
import { openRepositoryRig } from "./open-repository-rig.ts";
import { planned } from "./portray-tree.ts";

const { restic: unavailable } = await labAvailability();
const options = { skip: unavailable ?? false, timeout: 120_000 };
const signal = AbortSignal.timeout(110_000);

test(
	"a rescan knows archives again that only a repository holds, and misses those that it holds no more",
	options,
	async (t) => {
		const { rig, path, repository, restic } = await openRepositoryRig(t);
		const { archivesPath } = rig.config;
		const backup = await perform("path.backup", { path, repository }, { context: rig.context() });
		const { archive } = backup.result;
		const own = join(archivesPath, resourceKey(resourceId({ kind: "path", path })));
		const rescan = async () => {
			const context = rig.context();
			return (await perform("path.rescan", { path: FolderPath.parse(archivesPath) }, { context })).result;
		};
		const counts = async () => {
			const { archives, damaged, repositories } = await rescan();
			return [
				archives,
				damaged,
				...repositories.map(({ archives: held, broughtBack }) => [held, broughtBack]),
			];
		};
		assert.deepEqual(await counts(), [1, 0, [1, 0]]);

		await rm(own, { recursive: true });
		await mkdir(join(own, ".staging-disk"), { recursive: true });
		assert.deepEqual(await counts(), [0, 0, [1, 0]], "what a backup is writing is left to it");
		await rm(own, { recursive: true });
		assert.deepEqual(await counts(), [1, 0, [1, 1]]);
		await writeFile(join(path, "file"), "written since");
		const wanted = await planned(rig, path, archive);
		await perform("path.restore", wanted, { context: rig.context() });
		assert.equal(await readFile(join(path, "file"), "utf8"), "content");

		const away = `${restic.repository.url}-away`;
		await rename(restic.repository.url, away);
		const unreachable = await rescan();
		assert.deepEqual([unreachable.archives, unreachable.damaged], [1, 0]);
		assert.match(unreachable.repositories[0]?.failure ?? "", /repository disk/);
		await rename(away, restic.repository.url);

		const snapshots = await listSnapshots(restic, { signal });
		await forgetSnapshots(
			restic,
			snapshots.map(({ id }) => id),
			signal,
		);
		assert.deepEqual(await counts(), [1, 1, [0, 0]]);
		assert.match((await rescan()).damages[0]?.why ?? "", /snapshot is not in repository disk any more/);
	},
);
