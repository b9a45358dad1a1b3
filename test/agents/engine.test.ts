import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { connectEngine } from "@davit/agents/docker/engine.ts";
import type { View } from "@davit/agents/inventory.ts";
import { openLookout } from "@davit/agents/lookout.ts";
import { OperationError, resourceId, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, busyboxImage, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(600_000);

suite("an engine of version 26.1", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let rig: Rig;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "pi", engine: "26.1" }] }, signal);
		host = laboratory.host("pi");
		await importBusybox(host, signal);
		await buildWriter(host, signal);
		rig = await openRig({ folder: host.folder, socketPath: host.socketPath, folders: ["/srv"] }, signal);
	});
	after(() => laboratory[Symbol.asyncDispose]());

	test("a stopped backup and a restore go as on the old one", async () => {
		const volume = VolumeName.parse("web");
		const words = ["--name", "web", "--restart", "always", "-v", `web:${writerFolder}`, writerImage];
		await host.docker(["run", "--detach", ...words]);
		const { result: taken } = await perform(
			"volume.backup",
			{ volume, consistency: "stopped" },
			{ context: rig.context() },
		);
		assert.deepEqual([taken.warnings, taken.consistency], [[], "stopped"]);
		const action = { action: "restore", archive: taken.archive } as const;
		const { result: plan } = await perform("volume.plan", { volume, action }, { context: rig.context() });
		assert.deepEqual([plan.blockers, plan.stops], [[], [{ name: "web", state: "running" }]]);
		const wanted = { volume, archive: taken.archive, plan: plan.digest };
		const { state, result } = await perform("volume.restore", wanted, { context: rig.context() });
		assert.equal(state, "succeeded");
		assert.ok(result.downtimeMs > 0);
		const format = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
		assert.equal(await host.docker(["inspect", "-f", format, "web"]), "running always");
	});

	test("a paused container is stopped for a restore and is paused again after it", async () => {
		const volume = VolumeName.parse("iced");
		await host.docker(["run", "-d", "--name", "iced", "-v", `iced:${writerFolder}`, writerImage]);
		await host.docker(["pause", "iced"]);
		const { result: taken } = await perform("volume.backup", { volume }, { context: rig.context() });
		const action = { action: "restore", archive: taken.archive } as const;
		const { result: plan } = await perform("volume.plan", { volume, action }, { context: rig.context() });
		assert.deepEqual(plan.stops, [{ name: "iced", state: "paused" }]);
		const wanted = { volume, archive: taken.archive, plan: plan.digest };
		await perform("volume.restore", wanted, { context: rig.context() });
		assert.equal(await host.docker(["inspect", "-f", "{{.State.Status}}", "iced"]), "paused");
		await host.docker(["rm", "--force", "iced"]);
	});

	test("a container that would vanish when stopped stands against a restore, and may still be paused", async () => {
		const volume = VolumeName.parse("fleeting");
		await host.docker([
			"run",
			"-d",
			"--rm",
			"--name",
			"fleeting",
			"-v",
			`fleeting:${writerFolder}`,
			writerImage,
		]);
		const stopped = { volume, consistency: "stopped" } as const;
		await assert.rejects(
			perform("volume.backup", stopped, { context: rig.context() }),
			withCode("resource-in-use"),
		);
		const { result: taken } = await perform("volume.backup", { volume }, { context: rig.context() });
		assert.equal(taken.consistency, "paused");
		const action = { action: "restore", archive: taken.archive } as const;
		const { result: plan } = await perform("volume.plan", { volume, action }, { context: rig.context() });
		assert.deepEqual(
			plan.blockers.map(({ code }) => code),
			["resource-in-use"],
		);
		assert.equal(await host.docker(["inspect", "-f", "{{.State.Status}}", "fleeting"]), "running");
		await host.docker(["rm", "--force", "fleeting"]);
	});

	test("what is looked at follows the engine, and goes on without it", async () => {
		const views: View[] = [];
		const log = {
			debug: () => undefined,
			info: () => undefined,
			warn: () => undefined,
			error: () => undefined,
		};
		const context = { ...rig.context(), log, onChange: (view: View) => void views.push(view) };
		await using lookout = await openLookout(context, signal);
		assert.equal(lookout.view.inventory.engine?.version.startsWith("26.1"), true);
		await host.docker([
			"run",
			"-d",
			"--name",
			"seen",
			"-v",
			"seen:/x:ro",
			"--label",
			"com.docker.compose.project=shop",
			busyboxImage,
			"sleep",
			"100",
		]);
		const id = resourceId({ kind: "volume", volume: VolumeName.parse("seen") });
		const findSeen = () => lookout.view.inventory.resources.find((resource) => resource.id === id)?.users[0];
		const user = await pollUntil(findSeen, { what: "the new volume's user", timeoutMs: 5_000, signal });
		assert.deepEqual(user, { container: "seen", state: "running", project: "shop", writes: false });
		await host.docker(["rm", "--force", "seen"]);
		await pollUntil(() => findSeen() === undefined, { what: "the user to go", timeoutMs: 5_000, signal });
		await host.dockerd.kill();
		const isGone = () =>
			lookout.view.capabilities.find(({ name, available }) => name === "docker" && !available);
		const docker = await pollUntil(isGone, { what: "the engine to be missed", timeoutMs: 5_000, signal });
		assert.match(docker.hint ?? "", /systemctl/);
		assert.deepEqual(
			lookout.view.inventory.resources.map((resource) => resource.id),
			["path:/srv"],
		);
		assert.equal(lookout.view.engine, undefined);
	});

	test("without an engine an operation on a volume says which command would help", async () => {
		await assert.rejects(connectEngine(host.socketPath, signal), withCode("docker-unreachable"));
		const backup = perform("volume.backup", { volume: VolumeName.parse("web") }, { context: rig.context() });
		await assert.rejects(backup, withCode("docker-unreachable"));
	});
});

function withCode(code: string) {
	return (error: unknown) => error instanceof OperationError && error.code === code;
}
