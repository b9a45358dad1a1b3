import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { listSnapshots } from "@davit/agents/restic/snapshots.ts";
import { FolderPath, RepositoryName, resourceId, VolumeName } from "@davit/protocol";
import { openRig, type Rig } from "../agents/open-rig.ts";
import { Died, perform } from "../agents/perform.ts";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { openLaboratory } from "../lab/laboratory.ts";
import { openRepository, type TestRepository } from "./open-repository.ts";

const { hosts, restic: unavailable } = await labAvailability();
const options = { skip: hosts ?? unavailable ?? false, timeout: 240_000 };

const volume = VolumeName.parse("web");
const resource = resourceId({ kind: "volume", volume });
const repository = RepositoryName.parse("disk");

test(
	"a backup into a repository that is killed at any step leaves no snapshot and no lock, and its writer runs",
	options,
	async (t) => {
		const signal = AbortSignal.timeout(220_000);
		await using laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "26.1" }] }, signal);
		const scene = await openScene(t, laboratory.host("nas"), signal);
		for (const step of ["quiesce", "copy", "notice", "resume", "seal"]) {
			const context = scene.rig.context();
			const dying = perform("volume.backup", params, { context, dieAfter: step });
			await assert.rejects(dying, Died, step);
			await requireNothing(scene, context, `killed after ${step}`);
		}
		const killed = await killingRestic(scene);
		const config = { ...scene.rig.config, resticProgram: killed };
		const context = scene.rig.context({ config });
		await assert.rejects(perform("volume.backup", params, { context }), { code: "restic-failed" });
		assert.equal(await readFile(join(scene.folder, "fired"), "utf8"), "x\n", "restic was killed once");
		await requireNothing(scene, context, "restic killed", 1);
		const path = FolderPath.parse(scene.rig.config.archivesPath);
		await perform("repository.prune", { path, repository }, { context: scene.rig.context() });
		assert.deepEqual(await locksOf(scene), [], "the dead restic's lock was in nobody's way");
		// Every byte of it came back by then, so it counts.
		const last = { context: scene.rig.context(), dieAfter: "verify" };
		const { state, result } = await perform("volume.backup", params, last);
		assert.deepEqual([state, result.consistency], ["succeeded", "stopped"]);
		assert.equal((await listSnapshots(scene.restic, { signal })).length, 1);
	},
);

const params = { volume, repository, consistency: "stopped" as const };

interface Scene extends TestRepository {
	readonly rig: Rig;
	readonly host: Host;
}

/** A writer on a volume that holds enough for a restic to be killed while it reads. */
async function openScene(t: TestContext, host: Host, signal: AbortSignal): Promise<Scene> {
	await importBusybox(host, signal);
	await buildWriter(host, signal);
	const opened = await openRepository(t);
	const settings = { repositories: [opened.restic.repository], resticProgram: opened.program };
	const rig = await openRig({ folder: host.folder, socketPath: host.socketPath, settings }, signal);
	const words = ["--name", "web", "--restart", "always", "--volume", `web:${writerFolder}`];
	await host.docker(["run", "--detach", ...words, writerImage]);
	await writeFile(join(host.dataRoot, "volumes/web/_data/large"), randomBytes(400_000));
	return { ...opened, rig, host };
}

/** A restic that is killed while it backs up, once it holds its lock; it would need minutes for the content. */
async function killingRestic({ folder, program }: Scene): Promise<string> {
	const killed = join(folder, "killed-restic");
	const lines = [
		"#!/bin/sh",
		`case "$*" in *" backup "*) ${program} --limit-upload 1 "$@" & pid=$!`,
		`while [ -z "$(ls ${folder}/repository/locks)" ]; do sleep 0.05; done`,
		`kill -9 $pid && echo x >>${folder}/fired; wait $pid; exit 137;; esac`,
		`exec ${program} "$@"`,
	];
	await writeFile(killed, `${lines.join("\n")}\n`);
	await chmod(killed, 0o700);
	return killed;
}

async function requireNothing(
	scene: Scene,
	{ archives, command }: ReturnType<Rig["context"]>,
	...[why, locks = 0]: readonly [string, number?]
): Promise<void> {
	assert.deepEqual(await readdir(join(scene.folder, "repository/snapshots")), [], why);
	assert.equal(await archives.presence(resource, archives.archiveOf(command)), "absent", why);
	assert.deepEqual(await archives.list(resource), [], why);
	assert.equal((await locksOf(scene)).length, locks, why);
	const format = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
	assert.equal(await scene.host.docker(["inspect", "-f", format, "web"]), "running always", why);
}

async function locksOf({ folder }: TestRepository): Promise<readonly string[]> {
	return await readdir(join(folder, "repository/locks"));
}
