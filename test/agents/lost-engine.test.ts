import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { resourceId, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { openRig } from "./open-rig.ts";
import { perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);

suite("an engine that ends in the middle", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "20.10" }] }, signal);
		host = laboratory.host("nas");
		await importBusybox(host, signal);
		await buildWriter(host, signal);
	});
	after(() => laboratory[Symbol.asyncDispose]());

	test("a backup fails without an archive, and its writer is brought back once the engine is there again", async () => {
		const rig = await openRig({ folder: host.folder, socketPath: host.socketPath }, signal);
		const volume = VolumeName.parse("web");
		const words = ["--name", "web", "--restart", "always", "-v", `web:${writerFolder}`, writerImage];
		await host.docker(["run", "--detach", ...words]);
		const argv = readFileSync(`/proc/${host.dockerd.pid}/cmdline`, "utf8").split("\0").filter(Boolean);
		let isMissed = false;
		let revived: Promise<unknown> | undefined;
		const endEngine = async () => {
			await host.stop();
			isMissed = await host.docker(["version"]).then(
				() => false,
				() => true,
			);
			// The undo begins now and finds no engine at first.
			revived = sleep(1_500).then(() => host.spawnInside(argv, { name: "dockerd again" }));
			throw new Error("the engine is gone");
		};
		const context = rig.context();
		const backup = perform(
			"volume.backup",
			{ volume, consistency: "stopped" },
			{ context, before: { resume: endEngine } },
		);
		await assert.rejects(backup, /the engine is gone/);
		assert.ok(isMissed);
		await revived;
		const format = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
		assert.equal(await host.docker(["inspect", "-f", format, "web"]), "running always");
		const resource = resourceId({ kind: "volume", volume });
		const { archives, command } = context;
		assert.equal(await archives.presence(resource, archives.archiveOf(command)), "absent");
	});
});
