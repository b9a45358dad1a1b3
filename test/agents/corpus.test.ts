import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { compareTree } from "@davit/agents/files/compare-tree.ts";
import { entriesOf } from "@davit/agents/files/plant-archive.ts";
import { corpusCases, plantCorpus } from "@davit/agents/files/plant-corpus.ts";
import type { OperationContext } from "@davit/agents/operation.ts";
import { type ArchiveId, VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(300_000);

suite("the corpus of what volumes hold, on a real engine", { skip: unavailable ?? false }, () => {
	let laboratory: Laboratory;
	let host: Host;
	let rig: Rig;
	const volume = VolumeName.parse("corpus");

	before(async () => {
		laboratory = await openLaboratory({ hosts: [{ name: "pi", engine: "26.1" }] }, signal);
		host = laboratory.host("pi");
		rig = await openRig({ folder: host.folder, socketPath: host.socketPath }, signal);
		await host.docker(["volume", "create", volume]);
	});
	after(() => laboratory?.[Symbol.asyncDispose]());

	test("it has 25 cases", () => assert.equal(corpusCases.length, 25));

	for (const [way, dataPath] of [
		["over the host's path", "host-path"],
		["through the helper container", "helper"],
	] as const) {
		test(`${way} it comes back entry by entry, and only the socket is missing`, async () => {
			await plantAnew();
			const archive = await backUp(dataPath);
			const { manifest, folder } = await rig.context().archives.find(archive);
			assert.deepEqual(
				[manifest.dataPath, manifest.fidelity, manifest.outcome],
				[dataPath, "full", "succeeded"],
			);
			assert.deepEqual(manifest.losses, ["sockets, of which there were 1"]);
			assert.deepEqual(await differences(folder), { replaces: [], adds: [], removes: ["socket/socket"] });
			await host.run(["find", dataOf(volume), "-mindepth", "1", "-delete"]);
			const wanted = { volume, archive, plan: await planned(archive, dataPath) };
			const { state, result } = await perform("volume.restore", wanted, { context: contextFor(dataPath) });
			assert.deepEqual([state, result.warnings ?? []], ["succeeded", []]);
			assert.deepEqual(await differences(folder), { replaces: [], adds: [], removes: [] });
			const entries = await entriesOf(folder);
			assert.equal(result.added, entries.length - 1, "every entry but the root was made again");
		});
	}

	test("over the archive API it is kept but for the losses that the manifest lists, each of them", async () => {
		await plantAnew();
		const archive = await backUp("archive-api");
		const { manifest, folder } = await rig.context().archives.find(archive);
		assert.deepEqual([manifest.dataPath, manifest.fidelity], ["archive-api", "reduced"]);
		assert.deepEqual(manifest.losses, [
			"extended attributes",
			"access control lists",
			"fractions of seconds in times",
			"holes of sparse files, stored as zeros",
			"sockets",
		]);
		assert.deepEqual(await differences(folder), { replaces: [], adds: [], removes: ["socket/socket"] });
		const entries = await entriesOf(folder);
		const names = new Set(entries.flatMap(({ xattrs }) => [...(xattrs?.keys() ?? [])]));
		assert.deepEqual(
			[...names].filter((name) => name !== "security.capability"),
			[],
		);
		assert.deepEqual(
			entries.filter(({ sparse }) => sparse !== undefined),
			[],
		);
		assert.deepEqual(
			entries.filter(({ mtimeNs }) => mtimeNs % 1_000_000_000n !== 0n),
			[],
		);
	});

	async function plantAnew(): Promise<void> {
		await host.run(["find", dataOf(volume), "-mindepth", "1", "-delete"]);
		await plantCorpus(dataOf(volume));
	}

	async function backUp(dataPath: DataPath): Promise<ArchiveId> {
		const { result } = await perform("volume.backup", { volume }, { context: contextFor(dataPath) });
		return result.archive;
	}

	async function planned(archive: ArchiveId, dataPath: DataPath) {
		const action = { action: "restore", archive } as const;
		const { result } = await perform("volume.plan", { volume, action }, { context: contextFor(dataPath) });
		assert.deepEqual(result.blockers, []);
		return result.digest;
	}

	async function differences(archive: string) {
		const comparing = { wanted: { archive }, root: dataOf(volume), exact: true, signal };
		return (await compareTree(comparing)).examples;
	}

	function contextFor(dataPath: DataPath): OperationContext {
		const { engine, config } = rig;
		assert.ok(engine !== undefined);
		if (dataPath === "host-path") return rig.context();
		const far = { ...engine, sharesPaths: false };
		return rig.context({ engine: far, config: { ...config, helper: dataPath === "helper" } });
	}

	function dataOf(name: VolumeName): string {
		return join(host.dataRoot, "volumes", name, "_data");
	}
});

type DataPath = "host-path" | "helper" | "archive-api";
