import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { Run, RunId } from "@davit/protocol";
import { settle } from "../crash/die-twice.ts";
import { type Lane, openLane } from "../crash/open-lane.ts";
import { openScene, type Scene } from "../crash/open-scene.ts";
import { archiveOf } from "../crash/swaps.ts";
import { judge, noteSwap, openTrack, type Track } from "../crash/track.ts";
import { labAvailability } from "../lab/availability.ts";
import { busyboxImage, writerFolder } from "../lab/image/build.ts";
import { pollUntil } from "../lab/process/poll.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(600_000);
/** Copying it takes long enough to be met in the middle. */
const bulkBytes = 200_000_000;
/** More than an operation is taken up where its agent crashes by it. */
const lives = 6;

suite("an engine that is killed in the middle", { skip: unavailable ?? false }, () => {
	let scene: Scene;
	let lane: Lane;
	let track: Track;

	before(async () => {
		scene = await openScene(signal);
		lane = await openLane(scene, "dead");
		track = openTrack(lane, "docker-unreachable");
		await lane.volume.enlarge(bulkBytes);
		// One that takes a while to end.
		const script = "trap 'sleep 1; exit 0' TERM; while :; do sleep 0.1; done";
		const words = ["--name", "slow", "--restart", "always", "--volume", `dead-volume:${writerFolder}`];
		await scene.host.docker(["run", "--detach", ...words, busyboxImage, "sh", "-c", script]);
	});
	after(async () => {
		await lane?.[Symbol.asyncDispose]();
		await scene?.[Symbol.asyncDispose]();
	});

	const backUp = (consistency: "paused" | "stopped") => () => lane.ask("volume.backup", { consistency });
	const isStopping = async () =>
		(await lane.agent.points()).at(-1) === "after intent quiesce" &&
		(await inspect("slow")) === "running no" &&
		lane.agent.points().then((points) => points.at(-1) === "after intent quiesce");
	const isReading = async () =>
		(await lane.archiveFolders()).some((name) => name.endsWith(".partial")) &&
		(await lane.agent.points()).at(-1) === "after intent copy";
	const isStarting = async () => (await lane.agent.points()).at(-1) === "after intent resume";

	for (const [consistency, moment, isThen] of [
		["stopped", "stops its writers", isStopping],
		["stopped", "reads", isReading],
		["paused", "reads", isReading],
	] as const) {
		test(`while a ${consistency} backup ${moment}: it fails, no archive is left, all writers are as before`, async () => {
			const content = await lane.volume.fill(`${consistency} ${moment}`);
			const run = await killEngine(backUp(consistency), isThen);
			await awaitPoint("after undoing");
			await startEngine();
			const ended = await lane.ended(run);
			assert.deepEqual([ended.state, ended.failure?.code], ["failed", "docker-unreachable"]);
			await requireAsBefore(ended);
			assert.deepEqual(await lane.volume.read(), content);
		});
	}

	test("while a backup starts its writers again: it succeeds once the engine is back, and all writers are as before", async () => {
		await lane.volume.fill("started again");
		const run = await killEngine(backUp("stopped"), isStarting);
		await startEngine();
		const ended = await lane.ended(run);
		assert.equal(ended.state, "succeeded", JSON.stringify(ended.failure));
		await requireAsBefore(ended);
	});

	test("while a restore stops the writers: the old data is there, all writers are as before", async () => {
		const { archive } = await archiveOf(track, "wanted");
		const content = await lane.volume.fill("old");
		const plan = await lane.plan({ action: "restore", archive });
		const run = await killEngine(() => lane.apply(plan), isStopping);
		await startEngine();
		const ended = await lane.ended(run);
		assert.deepEqual([ended.state, ended.failure?.code], ["failed", "docker-unreachable"]);
		await requireAsBefore(ended);
		assert.deepEqual(await lane.volume.read(), content);
	});

	test("while a restore starts the writers again: the new data is there, all writers are as before", async () => {
		const { archive, tree } = await archiveOf(track, "wanted again");
		const replaced = await lane.volume.fill("old again");
		const plan = await lane.plan({ action: "restore", archive });
		const run = await killEngine(() => lane.apply(plan), isStarting);
		await startEngine();
		const ended = await lane.ended(run);
		assert.equal(ended.state, "succeeded", JSON.stringify(ended.failure));
		noteSwap(track, ended, { replaced });
		await requireAsBefore(ended);
		assert.deepEqual(await lane.volume.read(), tree);
	});

	test("and stays away: it is said what is waited for, however often the agent starts anew, until the engine is back", async (t) => {
		const run = await killEngine(backUp("stopped"), isReading);
		const killedMs = performance.now();
		const isSaid = () => /Docker/.test(scene.desk.run(run).run.progress?.waitingFor ?? "");
		await pollUntil(isSaid, waiting("word of what is waited for"));
		const rows = () => scene.desk.resources({ host: lane.place.host }).items;
		const isFailed = () =>
			rows().some(({ state, because }) => state === "failed" && /neither on nor back/.test(because));
		await pollUntil(isFailed, { ...waiting("the need"), explain: () => JSON.stringify(rows()) });
		for (let life = 1; life <= lives; life += 1) {
			if (life % 2 === 0) await lane.agent.kill();
			else await lane.agent.stop();
			await lane.start();
			await awaitPoint("after away");
		}
		t.diagnostic(`the engine was away for ${Math.round((performance.now() - killedMs) / 1000)} s`);
		await startEngine();
		const ended = await lane.ended(run);
		assert.deepEqual([ended.state, ended.failure?.code], ["failed", "docker-unreachable"]);
		await requireAsBefore(ended);
		const next = await lane.ended(lane.ask("volume.backup"));
		assert.equal(next.state, "succeeded", JSON.stringify(next.failure));
		await requireAsBefore(next);
		await lane.requireQuietJournal();
	});

	/** Asks, and kills the engine at that moment of what was asked for. */
	async function killEngine(ask: () => RunId, isThen: () => Promise<boolean>): Promise<RunId> {
		await settle(lane.agent);
		await lane.agent.doom("never");
		const run = ask();
		const seen = async () => ((await isThen()) ? "then" : lane.hasEnded(run) && "missed");
		const what = await pollUntil(seen, { ...waiting("the moment to kill the engine"), intervalMs: 1 });
		if (what === "missed") {
			// A busy machine looked away for as long as the moment was.
			await judge(track, await lane.ended(run));
			return killEngine(ask, isThen);
		}
		await scene.host.dockerd.kill();
		assert.equal(lane.hasEnded(run), false, "it was killed in the middle");
		await assert.rejects(scene.host.docker(["version"]), "an engine answers");
		return run;
	}

	async function startEngine(): Promise<void> {
		const { pid } = scene.host.dockerd;
		await scene.host.startEngine();
		assert.notEqual(scene.host.dockerd.pid, pid);
	}

	async function awaitPoint(point: string): Promise<void> {
		await pollUntil(async () => (await lane.agent.points()).includes(point), waiting(point));
	}

	function waiting(what: string) {
		const explain = async () => `${(await lane.agent.points()).join(", ")}\n${await lane.agent.lastWords()}`;
		return { what, timeoutMs: 60_000, signal, explain };
	}

	async function requireAsBefore(run: Run): Promise<void> {
		assert.equal(await inspect("slow"), "running always");
		// What Davit does not touch is left to the engine, which ended it when it came back.
		const asleep = `${lane.volume.volume}-asleep`;
		if (run.operation === "volume.backup" && (await inspect(asleep)) === "exited no") {
			await scene.host.docker(["start", asleep]);
			await scene.host.docker(["pause", asleep]);
		}
		await judge(track, run);
	}

	function inspect(container: string): Promise<string> {
		const format = "{{.State.Status}} {{.HostConfig.RestartPolicy.Name}}";
		return scene.host.docker(["inspect", "-f", format, container]);
	}
});
