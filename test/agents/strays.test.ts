import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import { type BackupResult, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, busyboxImage, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);

// F28: a container that dies, restarts itself or is started while Davit holds it still.

suite("containers that do not stay as Davit left them", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let rig: Rig;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "26.1" }] }, signal);
		host = laboratory.host("nas");
		await importBusybox(host, signal);
		await buildWriter(host, signal);
		rig = await openRig({ folder: host.folder, socketPath: host.socketPath }, signal);
	});
	afterEach(async () => {
		const containers = (await host.docker(["ps", "-aq"])).split("\n").filter(Boolean);
		if (containers.length > 0) await host.docker(["rm", "--force", ...containers]);
	});
	after(() => laboratory?.[Symbol.asyncDispose]());

	test("a Compose project's containers stop once, who needs another before it, and start the other way round", async () => {
		const service = { image: writerImage, volumes: [`shared:${writerFolder}`] };
		const project = {
			name: "shop",
			services: {
				db: service,
				queue: { ...service, depends_on: ["db"] },
				web: {
					...service,
					depends_on: ["queue", "db"],
					volumes: [`shared:${writerFolder}`, "shared:/again"],
				},
			},
			volumes: { shared: {} },
		};
		const folder = join(host.folder, "shop");
		await mkdir(folder);
		await writeFile(join(folder, "compose.yaml"), JSON.stringify(project));
		await host.docker(["compose", "--file", join(folder, "compose.yaml"), "up", "--detach"]);
		const since = (Date.now() / 1000).toFixed(3);
		const { state, result } = await backUp("shop_shared", "stopped", {});
		assert.deepEqual([state, result.consistency], ["succeeded", "stopped"]);
		const format = '{{.Action}} {{index .Actor.Attributes "com.docker.compose.service"}}';
		const filters = ["event=die", "event=start"].flatMap((filter) => ["--filter", filter]);
		const until = (Date.now() / 1000).toFixed(3);
		const events = await host.docker([
			...["events", "--since", since, "--until", until, "--filter", "type=container"],
			...[...filters, "--format", format],
		]);
		assert.deepEqual(events.split("\n"), [
			...["die web", "die queue", "die db"],
			...["start db", "start queue", "start web"],
		]);
	});

	for (const consistency of ["stopped", "paused"] as const) {
		test(`a container that was ${consistency} and is started by a person makes the copy live, and says so`, async () => {
			const name = `person-${consistency}`;
			await startWriter(name, "always");
			const verb = consistency === "stopped" ? "start" : "unpause";
			const { state, result } = await backUp(name, consistency, { notice: () => host.docker([verb, name]) });
			assert.deepEqual([state, result.consistency, result.warnings.length], ["partial", "live", 1]);
			assert.match(result.warnings.join(), new RegExp(`container ${name} was ${verb}`));
			await requireAsBefore(name, "always");
		});
	}

	test("a container that dies while it is paused does not come back by itself, whatever its policy", async () => {
		await startWriter("mortal", "always");
		const pid = Number(await host.docker(["inspect", "-f", "{{.State.Pid}}", "mortal"]));
		let stateMeanwhile = "";
		const kill = async () => {
			await killFrozen("mortal", pid);
			const isDead = async () => (await stateOf("mortal")) === "exited";
			await pollUntil(isDead, { what: "the end of mortal", timeoutMs: 10_000, signal });
			stateMeanwhile = `${await stateOf("mortal")} ${await policyOf("mortal")}`;
		};
		const { state, result } = await backUp("mortal", "paused", { notice: kill });
		assert.equal(stateMeanwhile, "exited no", "it was killed while it was paused");
		assert.deepEqual([state, result.consistency], ["succeeded", "paused"]);
		await requireAsBefore("mortal", "always");
	});

	test("a container that restarts itself because somebody gave it its policy back makes the copy live", async () => {
		await startWriter("restless", "always");
		const pid = Number(await host.docker(["inspect", "-f", "{{.State.Pid}}", "restless"]));
		const startedAt = await host.docker(["inspect", "-f", "{{.State.StartedAt}}", "restless"]);
		const revive = async () => {
			await host.docker(["update", "--restart", "always", "restless"]);
			await killFrozen("restless", pid);
			const isBack = async () =>
				(await host.docker(["inspect", "-f", "{{.State.StartedAt}}", "restless"])) !== startedAt;
			await pollUntil(isBack, { what: "restless to restart itself", timeoutMs: 10_000, signal });
		};
		const { state, result } = await backUp("restless", "paused", { notice: revive });
		assert.deepEqual([state, result.consistency], ["partial", "live"]);
		assert.deepEqual(result.warnings, ["container restless was started while Davit had it paused"]);
		await requireAsBefore("restless", "always");
	});

	for (const [what, words] of [
		["began to write", ["--detach", "--name", "other"]],
		["came and went", ["--rm"]],
	] as const) {
		test(`another container of the volume that ${what} meanwhile makes the copy live, and says so`, async () => {
			const name = what.replaceAll(" ", "-");
			await startWriter(name, "no");
			const mount = ["--volume", `${name}:${writerFolder}`];
			const command =
				what === "came and went" ? [busyboxImage, "touch", `${writerFolder}/new`] : [writerImage];
			const interfere = () => host.docker(["run", ...words, ...mount, ...command]);
			const { state, result } = await backUp(name, "stopped", { notice: interfere });
			assert.deepEqual([state, result.consistency, result.warnings.length], ["partial", "live", 1]);
			assert.match(result.warnings.join(), new RegExp(`^container .+ ${what} meanwhile`));
			await requireAsBefore(name, "no");
		});
	}

	test("a volume that nobody wrote to is watched too", async () => {
		await host.docker(["volume", "create", "quiet"]);
		const mount = ["--volume", `quiet:${writerFolder}`];
		const start = () => host.docker(["run", "--detach", ...mount, writerImage]);
		const { state, result } = await backUp("quiet", "stopped", { notice: start });
		assert.deepEqual([state, result.consistency], ["partial", "live"]);
		const { state: alone, result: calm } = await backUp("untouched", "stopped", {});
		assert.deepEqual([alone, calm.consistency], ["succeeded", "stopped"]);
	});

	async function backUp(
		name: string,
		consistency: BackupResult["consistency"],
		before: Readonly<Record<string, () => unknown>>,
	) {
		if (name === "untouched") await host.docker(["volume", "create", name]);
		const volume = VolumeName.parse(name);
		return perform("volume.backup", { volume, consistency }, { context: rig.context(), before });
	}

	async function startWriter(name: string, policy: string): Promise<void> {
		const words = ["--name", name, "--restart", policy, "--volume", `${name}:${writerFolder}`];
		await host.docker(["run", "--detach", ...words, writerImage]);
	}

	/** Under the first version of cgroups a frozen process dies when it is thawed, under the second at once. */
	async function killFrozen(name: string, pid: number): Promise<void> {
		process.kill(pid, "SIGKILL");
		await host.docker(["unpause", name], { expectedCodes: [0, 1] });
	}

	async function requireAsBefore(name: string, policy: string): Promise<void> {
		assert.deepEqual([await stateOf(name), await policyOf(name)], ["running", policy]);
	}

	async function stateOf(name: string): Promise<string> {
		return host.docker(["inspect", "-f", "{{.State.Status}}", name]);
	}

	async function policyOf(name: string): Promise<string> {
		return host.docker(["inspect", "-f", "{{.HostConfig.RestartPolicy.Name}}", name]);
	}
});
