import assert from "node:assert/strict";
import { existsSync, truncateSync } from "node:fs";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, afterEach, before, suite, test } from "node:test";
import { type CommandId, OperationError, type PlanFacts, resourceId, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, busyboxImage, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { pollUntil } from "../lab/process/poll.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { Died, perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(600_000);
const engineVersion = "20.10";
/** Ends at once when it is told to, as `sleep` as the first process of a container does not. */
const waiting = ["sh", "-c", "trap 'exit 0' TERM; while :; do sleep 0.1; done"];

suite(`volumes on engine ${engineVersion}`, { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let rig: Rig;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: engineVersion }] }, signal);
		host = laboratory.host("nas");
		await importBusybox(host, signal);
		await buildWriter(host, signal);
		rig = await openRig({ folder: host.folder, socketPath: host.socketPath }, signal);
	});
	afterEach(async () => {
		const containers = (await host.docker(["ps", "-aq"])).split("\n").filter(Boolean);
		if (containers.length > 0) await host.docker(["rm", "--force", ...containers]);
	});
	after(() => laboratory[Symbol.asyncDispose]());

	for (const consistency of ["paused", "stopped", "live"] as const) {
		test(`a ${consistency} backup of a volume that is written to is verified, and the writer goes on`, async () => {
			const name = `writer-${consistency}`;
			const volume = await startWriter(name);
			const before = await inspect(name);
			const { state, result } = await perform(
				"volume.backup",
				{ volume, consistency },
				{ context: rig.context() },
			);
			assert.equal(result.consistency, consistency);
			// A live copy says so when it saw a file change, which it may not.
			const isLive = consistency === "live";
			assert.equal(state, isLive && result.warnings.length > 0 ? "partial" : "succeeded");
			const [summary] = await rig.context().archives.list(resourceId({ kind: "volume", volume }));
			assert.equal(summary?.id, result.archive);
			assert.deepEqual(summary.proof, ["taken", "verified"]);
			if (isLive) assert.equal(result.downtimeMs, 0);
			else assert.ok(result.downtimeMs > 0);
			await requireWriting(volume);
			const now = await inspect(name);
			assert.equal(now.status, "running");
			assert.equal(now.policy, before.policy);
			assert.equal(now.startedAt === before.startedAt, consistency !== "stopped");
		});
	}

	test("a restore replaces the content exactly, and undo brings it back", async () => {
		const volume = await makeVolume("exact", { kept: "as it was", changed: "old" });
		await host.docker(["run", "-d", "--name", "reader", "-v", `${volume}:/x:ro`, busyboxImage, ...waiting]);
		const { result: taken } = await perform("volume.backup", { volume }, { context: rig.context() });
		await writeFile(join(dataOf(volume), "changed"), "new");
		await writeFile(join(dataOf(volume), "stale"), "");
		const action = { action: "restore", archive: taken.archive } as const;
		const { result: plan } = await perform("volume.plan", { volume, action }, { context: rig.context() });
		assert.deepEqual(summarize(plan), { replaces: 1, adds: 0, removes: 1, blockers: [] });
		assert.deepEqual(plan.examples, { replaces: ["changed"], adds: [], removes: ["stale"] });
		assert.deepEqual(plan.stops, [{ name: "reader", state: "running" }]);
		const context = rig.context();
		const wanted = { volume, archive: taken.archive, plan: plan.digest };
		const { state, result } = await perform("volume.restore", wanted, { context });
		assert.deepEqual([state, result.replaced, result.removed], ["succeeded", 1, 1]);
		assert.deepEqual(await contentOf(volume), { kept: "as it was", changed: "old" });
		// A container that mounts the folder must see what is there now, not what was.
		assert.equal(await host.docker(["exec", "reader", "ls", "/x"]), "changed\nkept");
		const { result: undoPlan } = await perform(
			"volume.plan",
			{ volume, action: { action: "undo" } },
			{ context: rig.context() },
		);
		assert.deepEqual(summarize(undoPlan), { replaces: 1, adds: 1, removes: 0, blockers: [] });
		assert.ok((undoPlan.downtimeSeconds ?? 0) > 0);
		const { result: undone } = await perform(
			"volume.undo",
			{ volume, plan: undoPlan.digest },
			{ context: rig.context() },
		);
		assert.deepEqual(await contentOf(volume), { kept: "as it was", changed: "new", stale: "" });
		assert.equal(rig.undoPoints.of(resourceId({ kind: "volume", volume }))?.command, undone.undo);
		assert.equal((await inspect("reader")).status, "running");
		assert.deepEqual((await readdir(dirOf(volume))).sort(), [`.davit-undo-${undone.undo}`, "_data"]);
	});

	test("a deleted volume is restored under its name, with its labels", async () => {
		const volume = VolumeName.parse("deleted");
		await host.docker(["volume", "create", "--label", "owner=me", volume]);
		await writeFile(join(dataOf(volume), "precious"), "all there is");
		const { result: taken } = await perform("volume.backup", { volume }, { context: rig.context() });
		await host.docker(["volume", "rm", volume]);
		const action = { action: "restore", archive: taken.archive } as const;
		const { result: plan } = await perform("volume.plan", { volume, action }, { context: rig.context() });
		assert.deepEqual(plan.blockers, []);
		await perform(
			"volume.restore",
			{ volume, archive: taken.archive, plan: plan.digest },
			{ context: rig.context() },
		);
		assert.deepEqual(await contentOf(volume), { precious: "all there is" });
		assert.equal(await host.docker(["volume", "inspect", "-f", "{{.Labels.owner}}", volume]), "me");
		assert.equal(
			await host.docker(["run", "--rm", "-v", `${volume}:/x`, busyboxImage, "cat", "/x/precious"]),
			"all there is",
		);
	});

	test("a volume that two containers share is copied while both are paused, and both go on", async () => {
		const volume = await startWriter("first");
		await host.docker(["run", "-d", "--name", "second", "-v", `${volume}:${writerFolder}`, writerImage]);
		await host.docker(["run", "-d", "--name", "asleep", "-v", `${volume}:${writerFolder}`, writerImage]);
		await host.docker(["pause", "asleep"]);
		await host.docker(["create", "--name", "never", "-v", `${volume}:${writerFolder}`, writerImage]);
		const seen: Record<string, string> = {};
		const look = async () => {
			for (const name of ["first", "second", "asleep", "never"]) seen[name] = (await inspect(name)).status;
		};
		const { result } = await perform(
			"volume.backup",
			{ volume },
			{ context: rig.context(), before: { copy: look } },
		);
		assert.deepEqual(seen, { first: "paused", second: "paused", asleep: "paused", never: "created" });
		assert.deepEqual([result.warnings, result.consistency], [[], "paused"]);
		await look();
		assert.deepEqual(seen, { first: "running", second: "running", asleep: "paused", never: "created" });
	});

	test("a copy that fails resumes the writers and leaves no archive", async () => {
		const volume = await startWriter("failing");
		const fail = () => {
			throw new Error("the disk is gone");
		};
		const context = rig.context();
		await assert.rejects(
			perform("volume.backup", { volume, consistency: "stopped" }, { context, before: { resume: fail } }),
			/the disk is gone/,
		);
		const { status, policy } = await inspect("failing");
		assert.deepEqual({ status, policy }, { status: "running", policy: "unless-stopped" });
		await requireWriting(volume);
		await requireNoArchive(volume, context.command);
	});

	for (const step of ["quiesce", "copy", "resume", "seal"]) {
		test(`an agent that dies after the step ${step} of a backup leaves a writer that runs and no archive`, async () => {
			const volume = await startWriter(`dies-${step}`);
			const context = rig.context();
			const dying = perform("volume.backup", { volume, consistency: "stopped" }, { context, dieAfter: step });
			await assert.rejects(dying, Died);
			const { status, policy } = await inspect(`dies-${step}`);
			assert.deepEqual({ status, policy }, { status: "running", policy: "unless-stopped" });
			await requireNoArchive(volume, context.command);
		});
	}

	test("an agent that dies while a stop is under way brings the container back after it has stopped", async () => {
		const volume = VolumeName.parse("slow");
		// It takes three seconds to end; a recovery that came earlier and saw it run would leave it stopped.
		const script = "trap 'sleep 3; exit 0' TERM; while :; do sleep 0.1; done";
		await host.docker([
			"run",
			"-d",
			"--name",
			"slow",
			"-v",
			`${volume}:/x`,
			busyboxImage,
			"sh",
			"-c",
			script,
		]);
		const { startedAt } = await inspect("slow");
		const stopAndDie = () => {
			host.docker(["stop", "-t", "30", "slow"]).catch(() => undefined);
			return pollUntil(wasKilled("slow"), { what: "the stop to be under way", timeoutMs: 5_000, signal });
		};
		const died = async () => {
			await stopAndDie();
			assert.equal((await inspect("slow")).status, "running");
			throw new Died("while stopping");
		};
		const context = rig.context();
		const dying = perform(
			"volume.backup",
			{ volume, consistency: "stopped" },
			{ context, before: { quiesce: died } },
		);
		await assert.rejects(dying, Died);
		const now = await inspect("slow");
		assert.equal(now.status, "running");
		assert.notEqual(now.startedAt, startedAt);
	});

	test("a container that is started during the copy makes the backup partial and live, and says so", async () => {
		const volume = await startWriter("stray");
		const start = () => host.docker(["start", "stray"]);
		const { state, result } = await perform(
			"volume.backup",
			{ volume, consistency: "stopped" },
			{ context: rig.context(), before: { notice: start } },
		);
		assert.deepEqual([state, result.consistency], ["partial", "live"]);
		assert.deepEqual(result.warnings, ["container stray was started while Davit had it stopped"]);
	});

	test("a container that is started while data is being replaced stops the restore, and the old data stays", async () => {
		const volume = await startWriter("intruder");
		const { result: taken } = await perform("volume.backup", { volume }, { context: rig.context() });
		await host.docker(["stop", "-t", "1", "intruder"]);
		await writeFile(join(dataOf(volume), "mine"), "not to be lost");
		const wanted = await planned(volume, taken.archive);
		const start = () => host.docker(["start", "intruder"]);
		const context = rig.context();
		const restoring = perform("volume.restore", wanted, { context, before: { "set-aside": start } });
		await assert.rejects(restoring, withCode("resource-in-use"));
		assert.ok(existsSync(join(dataOf(volume), "mine")));
		assert.deepEqual(await readdir(dirOf(volume)), ["_data"]);
	});

	for (const step of ["unpack", "check", "quiesce", "set-aside"]) {
		test(`an agent that dies after the step ${step} of a restore leaves the old data and a running writer`, async () => {
			const volume = await startWriter(`back-${step}`);
			const { result: taken } = await perform("volume.backup", { volume }, { context: rig.context() });
			await writeFile(join(dataOf(volume), "mine"), "");
			const wanted = await planned(volume, taken.archive);
			const dying = perform("volume.restore", wanted, { context: rig.context(), dieAfter: step });
			await assert.rejects(dying, Died);
			assert.ok(existsSync(join(dataOf(volume), "mine")));
			assert.deepEqual(await readdir(dirOf(volume)), ["_data"]);
			await requireWriting(volume);
		});
	}

	test("a plan whose facts moved is refused, with what moved in words", async () => {
		const volume = await makeVolume("moving", { a: "1" });
		const { result: taken } = await perform("volume.backup", { volume }, { context: rig.context() });
		const wanted = await planned(volume, taken.archive);
		await writeFile(join(dataOf(volume), "b"), "2");
		await assert.rejects(
			perform("volume.restore", wanted, { context: rig.context() }),
			(error) => withCode("plan-stale")(error) && /it removes 1 instead of 0/.test(String(error)),
		);
		assert.deepEqual(await contentOf(volume), { a: "1", b: "2" });
	});

	test("a volume that is mounted from elsewhere is read over the engine and never swapped", async () => {
		const volume = VolumeName.parse("elsewhere");
		const device = join(host.folder, "device");
		await mkdir(device);
		await writeFile(join(device, "file"), "over the engine");
		const options = ["type=none", "o=bind", `device=${device}`].flatMap((option) => ["--opt", option]);
		await host.docker(["volume", "create", ...options, volume]);
		const context = rig.context();
		const { result } = await perform("volume.backup", { volume }, { context });
		assert.equal(result.entries, 2);
		const { manifest } = await context.archives.find(result.archive);
		assert.deepEqual([manifest.dataPath, manifest.fidelity], ["archive-api", "reduced"]);
		assert.ok(manifest.losses.includes("extended attributes"));
		const action = { action: "restore", archive: result.archive } as const;
		const { result: plan } = await perform("volume.plan", { volume, action }, { context: rig.context() });
		assert.deepEqual(
			plan.blockers.map(({ code }) => code),
			["unsupported"],
		);
		assert.equal(await leftovers(), "");
	});

	test("a file that shrinks under the archive API fails the backup, which the engine calls a success", async () => {
		const volume = VolumeName.parse("shrinking");
		const device = join(host.folder, "shrinking");
		await mkdir(device);
		await writeFile(join(device, "z-last"), "would be missing");
		const options = ["type=none", "o=bind", `device=${device}`].flatMap((option) => ["--opt", option]);
		await host.docker(["volume", "create", ...options, volume]);
		const big = join(device, "big");
		await host.run(["truncate", "-s", "2G", big]);
		const context = rig.context({
			progress: ({ step, bytes }) => {
				if (step === "copy" && bytes > 0) truncateSync(big, 1);
			},
		});
		await assert.rejects(perform("volume.backup", { volume }, { context }), withCode("source-changed"));
		assert.equal((await stat(big)).size, 1);
		await requireNoArchive(volume, context.command);
		assert.equal(await leftovers(), "");
	});

	async function startWriter(name: string): Promise<VolumeName> {
		const words = [
			"--name",
			name,
			"--restart",
			"unless-stopped",
			"-v",
			`${name}:${writerFolder}`,
			writerImage,
		];
		await host.docker(["run", "--detach", ...words]);
		const volume = VolumeName.parse(name);
		await requireWriting(volume);
		return volume;
	}

	async function makeVolume(name: string, files: Readonly<Record<string, string>>): Promise<VolumeName> {
		await host.docker(["volume", "create", name]);
		const volume = VolumeName.parse(name);
		for (const [file, content] of Object.entries(files)) await writeFile(join(dataOf(volume), file), content);
		return volume;
	}

	async function planned(volume: VolumeName, archive: PlanFacts["archive"]) {
		const action = { action: "restore", archive } as const;
		const { result } = await perform("volume.plan", { volume, action }, { context: rig.context() });
		return { volume, archive, plan: result.digest };
	}

	function dirOf(volume: VolumeName): string {
		return join(host.dataRoot, "volumes", volume);
	}

	function dataOf(volume: VolumeName): string {
		return join(dirOf(volume), "_data");
	}

	async function contentOf(volume: VolumeName): Promise<Record<string, string>> {
		const names = (await readdir(dataOf(volume))).sort();
		const pairs = names.map(
			async (name) => [name, await readFile(join(dataOf(volume), name), "utf8")] as const,
		);
		return Object.fromEntries(await Promise.all(pairs));
	}

	async function requireWriting(volume: VolumeName): Promise<void> {
		const log = join(dataOf(volume), "written.log");
		const sizeOf = async () => (existsSync(log) ? (await stat(log)).size : 0);
		const size = await sizeOf();
		const what = `the writer of ${volume} to go on`;
		await pollUntil(async () => (await sizeOf()) > size, { what, timeoutMs: 5_000, signal });
	}

	async function requireNoArchive(volume: VolumeName, command: CommandId): Promise<void> {
		const { archives } = rig.context();
		const resource = resourceId({ kind: "volume", volume });
		assert.equal(await archives.presence(resource, archives.archiveOf(command)), "absent");
	}

	async function inspect(name: string) {
		const format = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}} {{.State.StartedAt}}";
		const [status = "", policy, startedAt] = (await host.docker(["inspect", "-f", format, name])).split(" ");
		return { status, policy, startedAt };
	}

	/** Whether the engine has told a container to end. */
	function wasKilled(name: string): () => Promise<boolean> {
		const since = `${Math.floor(Date.now() / 1000) - 1}`;
		const words = ["events", "--since", since, "--filter", "event=kill", "--filter", `container=${name}`];
		return async () => (await host.docker([...words, "--until", (Date.now() / 1000).toFixed(3)])) !== "";
	}

	/** Containers and images that Davit made and left. */
	async function leftovers(): Promise<string> {
		const containers = await host.docker(["ps", "-aq", "--filter", "label=davit.command"]);
		return containers + (await host.docker(["images", "-q", "--filter", "label=davit.command"]));
	}
});

function summarize({ replaces, adds, removes, blockers }: PlanFacts) {
	return { replaces, adds, removes, blockers };
}

function withCode(code: string) {
	return (error: unknown) => error instanceof OperationError && error.code === code;
}
