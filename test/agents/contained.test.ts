import assert from "node:assert/strict";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { agentLabel, agentOf } from "@davit/agents/container/run-contained.ts";
import { sweepContainers } from "@davit/agents/container/sweep-containers.ts";
import { commandLabel } from "@davit/agents/docker/command-label.ts";
import { compareTree } from "@davit/agents/files/compare-tree.ts";
import { plantCorpus } from "@davit/agents/files/plant-corpus.ts";
import type { OperationContext } from "@davit/agents/operation.ts";
import { type CommandId, newId, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { Died, perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);

suite("an engine of version 26.1 whose folders are not the agent's", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let rig: Rig;

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "pi", engine: "26.1" }] }, signal);
		host = laboratory.host("pi");
		rig = await openRig({ folder: host.folder, socketPath: host.socketPath }, signal);
	});
	after(() => laboratory?.[Symbol.asyncDispose]());

	test("a restore that dies with the old data set aside leads back, and one that dies later goes on", async () => {
		const volume = VolumeName.parse("web");
		await host.docker(["volume", "create", volume]);
		const folder = join(host.dataRoot, "volumes", volume);
		await writeFile(join(folder, "_data/file"), "archived");
		const { result: taken } = await perform("volume.backup", { volume }, { context: contained() });
		await writeFile(join(folder, "_data/file"), "present");
		const action = { action: "restore", archive: taken.archive } as const;
		const { result: plan } = await perform("volume.plan", { volume, action }, { context: contained() });
		assert.deepEqual([plan.replaces, plan.blockers], [1, []]);
		const wanted = { volume, archive: taken.archive, plan: plan.digest };
		const dying = perform("volume.restore", wanted, { context: contained(), dieAfter: "set-aside" });
		await assert.rejects(dying, Died);
		assert.deepEqual(await readdir(folder), ["_data"]);
		assert.equal(await readFile(join(folder, "_data/file"), "utf8"), "present");

		const context = contained();
		await perform("volume.restore", wanted, { context, dieAfter: "put-in-place" });
		assert.equal(await readFile(join(folder, "_data/file"), "utf8"), "archived");
		assert.deepEqual((await readdir(folder)).sort(), [`.davit-undo-${context.command}`, "_data"]);
		assert.equal(await host.docker(["ps", "-aq"]), "");
	});

	test("a helper container has neither network nor privileges, and only the capabilities that its job takes", async () => {
		const volume = VolumeName.parse("narrow");
		await host.docker(["volume", "create", volume]);
		await writeFile(join(host.dataRoot, "volumes", volume, "_data/file"), "archived");
		const { engine } = rig;
		assert.ok(engine !== undefined);
		const seen: { rights: string; config: Record<string, unknown> }[] = [];
		const watched: typeof engine = {
			...engine,
			sharesPaths: false,
			createContainer: async (wish, until) => {
				const id = await engine.createContainer(wish, until);
				const config = JSON.parse(await host.docker(["inspect", "-f", "{{json .HostConfig}}", id]));
				seen.push({
					rights: [...config["CapAdd"]]
						.map((name) => name.replace("CAP_", ""))
						.sort()
						.join(),
					config,
				});
				return id;
			},
		};
		const context = () => rig.context({ engine: watched });
		const { result: taken } = await perform("volume.backup", { volume }, { context: context() });
		const action = { action: "restore", archive: taken.archive } as const;
		const { result: plan } = await perform("volume.plan", { volume, action }, { context: context() });
		const wanted = { volume, archive: taken.archive, plan: plan.digest };
		await perform("volume.restore", wanted, { context: context() });
		const base = "CHOWN,DAC_OVERRIDE,FOWNER,FSETID";
		assert.deepEqual([...new Set(seen.map(({ rights }) => rights))].sort(), [
			base,
			`${base},MKNOD,SETFCAP,SYS_ADMIN`,
			`${base},SYS_ADMIN`,
		]);
		assert.ok(seen.filter(({ rights }) => rights === base).length > seen.length / 2, "most do without");
		for (const { config } of seen) {
			assert.deepEqual(
				[config["NetworkMode"], config["ReadonlyRootfs"], config["Privileged"], config["CapDrop"]],
				["none", true, false, ["ALL"]],
			);
			assert.ok(JSON.stringify(config["SecurityOpt"]).includes("no-new-privileges"));
			assert.deepEqual([config["PidMode"], config["Devices"] ?? []], ["", []]);
		}
	});

	test("a volume is copied by a helper container, and one that dies before its check leaves no new one", async () => {
		const [volume, as] = [VolumeName.parse("original"), "copied"];
		await host.docker(["volume", "create", volume]);
		const [from, into] = [volume, as].map((name) => join(host.dataRoot, "volumes", name));
		assert.ok(from !== undefined && into !== undefined);
		await plantCorpus(join(from, "_data"));
		await rm(join(from, "_data/socket"), { recursive: true });
		const dying = perform("volume.copy", { volume, as }, { context: contained(), dieAfter: "copy" });
		await assert.rejects(dying, Died);
		assert.ok(!(await host.docker(["volume", "ls", "--quiet"])).includes(as));
		const { state, result } = await perform("volume.copy", { volume, as }, { context: contained() });
		assert.deepEqual([state, result.warnings], ["succeeded", []]);
		const wanted = { tree: join(from, "_data") };
		const compared = await compareTree({ wanted, root: join(into, "_data"), exact: true, signal });
		assert.deepEqual([compared.replaces, compared.adds, compared.removes], [0, 0, 0]);
		assert.deepEqual(await readdir(into), ["_data"]);
		assert.equal(await host.docker(["ps", "-aq"]), "");
	});

	test("where the archives are not on the engine's host either, the archive API is read and the log says why", async () => {
		const volume = VolumeName.parse("far");
		await host.docker(["volume", "create", volume]);
		await writeFile(join(host.dataRoot, "volumes", volume, "_data/file"), "far away");
		const warnings: unknown[] = [];
		const { log } = rig.context();
		const context = contained({
			config: { ...rig.config, archivesPath: "/not/on/the/host" },
			log: { ...log, warn: (about: unknown) => void warnings.push(about) },
		});
		const { state, result } = await perform("volume.backup", { volume }, { context });
		assert.equal(state, "succeeded");
		const { manifest } = await context.archives.find(result.archive);
		assert.deepEqual([manifest.dataPath, manifest.fidelity], ["archive-api", "reduced"]);
		assert.match(JSON.stringify(warnings), /bind source path does not exist/);
		assert.equal(await host.docker(["ps", "-aq"]), "");
	});

	test("containers of commands that ended are swept, those of open ones and of other agents are not", async () => {
		const { engine, config } = rig;
		assert.ok(engine !== undefined);
		const [image] = (await host.docker(["image", "ls", "--quiet", "davit-helper"])).split("\n");
		const make = async (home: string, command: CommandId) => {
			const labels = [`${agentLabel}=${agentOf(home)}`, `${commandLabel}=${command}`];
			const words = labels.flatMap((label) => ["--label", label]);
			return host.docker(["create", ...words, image ?? "none"]);
		};
		const [ended, open] = [newId(), newId()];
		const left = await make(config.home, ended);
		const kept = [await make(config.home, open), await make("/another/home", ended)];
		const swept = await sweepContainers({ engine, home: config.home, open: new Set([open]) }, signal);
		assert.deepEqual(swept, [left]);
		const present = (await host.docker(["ps", "-aq", "--no-trunc"])).split("\n");
		assert.deepEqual(present.sort(), kept.sort());
		await host.docker(["rm", ...kept]);
	});

	/** As for an engine in a machine of its own. */
	function contained(more: Partial<OperationContext> = {}): OperationContext {
		const { engine } = rig;
		assert.ok(engine !== undefined);
		return rig.context({ engine: { ...engine, sharesPaths: false }, ...more });
	}
});
