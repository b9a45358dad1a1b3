import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { openRig } from "./open-rig.ts";
import { perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);

suite("an engine that is killed and comes back in the middle of a copy", {
	skip: unavailable ?? false,
}, () => {
	let laboratory: Laboratory;
	let host: Host;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "20.10" }] }, signal);
		host = laboratory.host("nas");
		await importBusybox(host, signal);
		await buildWriter(host, signal);
	});
	after(() => laboratory[Symbol.asyncDispose]());

	test("a paused writer that the engine thaws and ends when it comes back makes the copy live, and says so", async () => {
		const rig = await openRig({ folder: host.folder, socketPath: host.socketPath }, signal);
		const volume = VolumeName.parse("web");
		const words = ["--name", "web", "--restart", "always", "-v", `web:${writerFolder}`, writerImage];
		await host.docker(["run", "--detach", ...words]);
		const { pid } = host.dockerd;
		let meanwhile = "";
		const killEngine = async () => {
			await host.dockerd.kill();
			await assert.rejects(host.docker(["version"]), "an engine answers");
			await host.startEngine();
			meanwhile = await inspect();
		};
		const backup = perform(
			"volume.backup",
			{ volume, consistency: "paused" },
			{ context: rig.context(), before: { notice: killEngine } },
		);
		const { state, result } = await backup;
		assert.notEqual(host.dockerd.pid, pid);
		assert.equal(meanwhile, "exited no");
		assert.deepEqual([state, result.consistency], ["partial", "live"]);
		assert.deepEqual(result.warnings, ["container web was told to end while Davit had it paused"]);
		assert.equal(await inspect(), "running always");
	});

	function inspect(): Promise<string> {
		const format = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
		return host.docker(["inspect", "-f", format, "web"]);
	}
});
