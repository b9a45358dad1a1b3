import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { FolderPath, VolumeName } from "@davit/protocol";
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

	test("while it is away a folder's backup is called live, and nothing is put in the folder's place", async () => {
		const path = FolderPath.parse(join(host.folder, "site"));
		await mkdir(path);
		await writeFile(join(path, "page"), "old");
		const rig = await openRig({ folder: host.folder, socketPath: host.socketPath, folders: [path] }, signal);
		const back = (context = rig.context()) => perform("path.backup", { path }, { context });
		assert.equal((await back()).result.consistency, "stopped");
		await host.docker(["run", "--detach", "--name", "site", "-v", `${path}:${writerFolder}`, writerImage]);
		await host.dockerd.kill();
		const away = () => rig.context({ engine: undefined });
		const { result } = await back(away());
		assert.equal(result.consistency, "live");
		assert.match(result.notes?.join() ?? "", /does not answer, so it is not known which containers use it/);
		await writeFile(join(path, "page"), "new");
		const action = { action: "restore", archive: result.archive } as const;
		const { result: planned } = await perform("path.plan", { path, action }, { context: away() });
		// The process of the container, too, which nobody can name any more.
		assert.deepEqual(
			planned.blockers.map(({ code }) => code),
			["docker-unreachable", "resource-in-use"],
		);
		const wanted = { path, archive: result.archive, plan: planned.digest };
		await assert.rejects(perform("path.restore", wanted, { context: away() }), {
			code: "docker-unreachable",
		});
		assert.equal(await readFile(join(path, "page"), "utf8"), "new");
		await host.startEngine();
		const again = await perform("path.plan", { path, action }, { context: rig.context() });
		const now = { ...wanted, plan: again.result.digest };
		await perform("path.restore", now, { context: rig.context() });
		assert.equal(await readFile(join(path, "page"), "utf8"), "old");
	});

	function inspect(): Promise<string> {
		const format = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
		return host.docker(["inspect", "-f", format, "web"]);
	}
});
