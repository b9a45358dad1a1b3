import assert from "node:assert/strict";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { lookAround } from "@davit/agents/inventory.ts";
import { sweepScratch } from "@davit/agents/resource/sweep-scratch.ts";
import { OperationError, resourceId, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { Died, perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(120_000);

suite("drills of volumes on a real engine", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let rig: Rig;
	const volume = VolumeName.parse("precious");

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "20.10" }] }, signal);
		host = laboratory.host("nas");
		rig = await openRig({ folder: host.folder, socketPath: host.socketPath }, signal);
		await host.docker(["volume", "create", volume]);
		await writeFile(join(host.dataRoot, "volumes", volume, "_data/kept"), "as it was");
		await perform("volume.backup", { volume }, { context: rig.context() });
		await host.docker(["volume", "rm", volume]);
	});
	after(() => laboratory[Symbol.asyncDispose]());

	test("a deleted volume's archive is restored into a volume of its own, compared, and removed", async () => {
		let during: readonly string[] = [];
		let shown: readonly string[] = [];
		const compare = async () => {
			during = await volumes();
			const { engine, config } = rig;
			assert.ok(engine !== undefined);
			const { inventory } = await lookAround(
				{ engine },
				{ host: config.host, config, now: Date.now },
				signal,
			);
			shown = inventory.resources.map(({ id }) => id);
		};
		const context = rig.context();
		const { state, result } = await perform("volume.drill", { volume }, { context, before: { compare } });
		assert.equal(state, "succeeded");
		assert.deepEqual(during, [`davit-drill-${context.command}`]);
		assert.deepEqual(shown, [], "a scratch volume is nothing to protect");
		assert.deepEqual(await volumes(), []);
		const [summary] = await rig.context().archives.list(resourceId({ kind: "volume", volume }));
		assert.deepEqual(
			[summary?.proof, summary?.drilledAt],
			[["taken", "verified", "drilled"], result.drilledAt],
		);
	});

	for (const step of ["create", "unpack", "compare", "remove"]) {
		test(`an agent that dies in a drill after "${step}" leaves no volume`, async () => {
			const dying = perform("volume.drill", { volume }, { context: rig.context(), dieAfter: step });
			await assert.rejects(dying, Died);
			assert.deepEqual(await volumes(), []);
		});
	}

	test("without its engine a volume is not drilled", async () => {
		const config = { ...rig.config, dockerSocket: join(host.folder, "no-engine.sock") };
		const context = rig.context({ engine: undefined, config });
		const drilling = perform("volume.drill", { volume }, { context });
		await assert.rejects(
			drilling,
			(error) => error instanceof OperationError && error.code === "docker-unreachable",
		);
	});

	test("what a drill left whose agent lost its journal is swept, and nothing else is", async () => {
		const { command } = rig.context();
		const open = rig.context().command;
		const { config, engine } = rig;
		assert.ok(engine !== undefined);
		const labels = { "davit.agent": "another agent" };
		await engine.createVolume({ name: VolumeName.parse(`davit-drill-${command}`), labels, command }, signal);
		for (const one of [command, open]) await mkdir(join(config.archivesPath, `.davit-drill-${one}`));
		assert.deepEqual(await sweepScratch({ engine, config, isOpen: (one) => one === open }, signal), [
			join(config.archivesPath, `.davit-drill-${command}`),
		]);
		assert.deepEqual(await volumes(), [`davit-drill-${command}`]);
		const left = await readdir(config.archivesPath);
		assert.deepEqual(
			left.filter((name) => name.startsWith(".davit-drill-")),
			[`.davit-drill-${open}`],
		);
		assert.ok(left.includes("volume-precious"));
	});

	async function volumes(): Promise<string[]> {
		return (await host.docker(["volume", "ls", "--quiet"])).split("\n").filter(Boolean);
	}
});
