import assert from "node:assert/strict";
import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { entriesOf } from "@davit/agents/files/plant-archive.ts";
import { VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { busyboxImage, importBusybox } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(120_000);
/** Of root in a container, as the engine's host sees it. */
const first = 200_000;

suite("an engine that gives containers users of their own", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let rig: Rig;
	const volume = VolumeName.parse("remapped");

	before(async () => {
		laboratory = await openLaboratory(
			{ hosts: [{ name: "nas", engine: "26.1", remapsUsers: true }] },
			signal,
		);
		host = laboratory.host("nas");
		await importBusybox(host, signal);
		rig = await openRig({ folder: host.folder, socketPath: host.socketPath }, signal);
		await inContainer("echo 1 >/srv/roots; echo 2 >/srv/users; chown 1000:34 /srv/users; chown 70:70 /srv");
	});
	after(() => laboratory?.[Symbol.asyncDispose]());

	test("owners come back as the same users, of the host and of the container", async () => {
		const remapped = [`${first + 70}:${first + 70}`, `${first}:${first}`, `${first + 1000}:${first + 34}`];
		assert.deepEqual(await ownersOnHost(), remapped, "the engine does remap");
		const { result } = await perform("volume.backup", { volume }, { context: rig.context() });
		const { archive } = result;
		const { manifest, folder } = await rig.context().archives.find(archive);
		assert.deepEqual([manifest.dataPath, manifest.fidelity, manifest.losses], ["host-path", "full", []]);
		assert.deepEqual(
			(await entriesOf(folder)).map(({ uid, gid }) => `${uid}:${gid}`),
			remapped,
		);
		await inContainer("rm /srv/users; chown 5:5 /srv /srv/roots");
		const action = { action: "restore", archive } as const;
		const plan = await perform("volume.plan", { volume, action }, { context: rig.context() });
		const wanted = { volume, archive, plan: plan.result.digest };
		const restored = await perform("volume.restore", wanted, { context: rig.context() });
		assert.deepEqual([restored.state, restored.result.warnings ?? []], ["succeeded", []]);
		assert.deepEqual(await ownersOnHost(), remapped);
		assert.equal(await inContainer("stat -c %u:%g /srv /srv/roots /srv/users"), "70:70\n0:0\n1000:34");
	});

	function inContainer(script: string): Promise<string> {
		return host.docker(["run", "--rm", "--volume", `${volume}:/srv`, busyboxImage, "sh", "-c", script]);
	}

	async function ownersOnHost(): Promise<string[]> {
		const root = join(host.dataRoot, `${first}.${first}`, "volumes", volume, "_data");
		const stats = await Promise.all(["", "roots", "users"].map((name) => lstat(join(root, name))));
		return stats.map(({ uid, gid }) => `${uid}:${gid}`);
	}
});
