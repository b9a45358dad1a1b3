import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { VolumeName } from "@davit/protocol";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { type Laboratory, openLaboratory } from "../lab/laboratory.ts";
import { openRig, type Rig } from "./open-rig.ts";
import { perform } from "./perform.ts";

const { hosts: unavailable } = await labAvailability();
const signal = AbortSignal.timeout(120_000);
const runs = 3;

suite("the downtime of a backup", { skip: unavailable ?? false }, () => {
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
	after(() => laboratory?.[Symbol.asyncDispose]());

	for (const consistency of ["stopped", "paused"] as const) {
		test(`of a ${consistency} writer is predicted from the second backup on, and both are in the manifest`, async (t) => {
			const volume = await startWriter(`timed-${consistency}`, 16);
			for (let taken = 1; taken <= runs; taken += 1) {
				const { manifest, predicted } = await backUp(volume, consistency);
				const { downtimeMs, downtimeParts: parts } = manifest;
				assert.ok(parts !== undefined);
				assert.equal(
					parts.stopMs + parts.copyMs + parts.startMs,
					downtimeMs,
					"of one container all is in them",
				);
				assert.equal(predicted === undefined, taken === 1, "measured before it is predicted");
				const plan = await perform("volume.preview", { volume, consistency }, { context: rig.context() });
				const held = [{ name: volume, state: "running", treatment: consistency }];
				assert.deepEqual([plan.result.holds, plan.result.blockers], [held, []]);
				assert.ok(plan.result.predictedDowntimeMs !== undefined, "by what was just measured");
				t.diagnostic(`run ${taken}: ${parts.stopMs} + ${parts.copyMs} + ${parts.startMs} ms`);
				if (predicted !== undefined) t.diagnostic(compare(downtimeMs, predicted));
			}
		});
	}

	test("of a resource that was never backed up is predicted from others of the same host and kind", async (t) => {
		const volume = await startWriter("timed-first", 32);
		const { manifest, predicted } = await backUp(volume, "stopped");
		assert.ok(predicted !== undefined);
		t.diagnostic(compare(manifest.downtimeMs, predicted));
	});

	test("of a volume that holds almost nothing says nothing of one that holds much", async (t) => {
		const volume = await startWriter("timed-empty", 0);
		const { manifest } = await backUp(volume, "paused");
		t.diagnostic(`a copy of almost nothing took ${manifest.downtimeParts?.copyMs} ms`);
		await writeFile(bulkOf(volume), randomBytes(4 * 1024 * 1024));
		const { predicted } = await backUp(volume, "paused");
		assert.ok(predicted !== undefined, "by the other volume");
	});

	async function startWriter(name: string, mebibytes: number): Promise<VolumeName> {
		const volume = VolumeName.parse(name);
		const mount = ["--volume", `${volume}:${writerFolder}`];
		await host.docker(["run", "--detach", "--name", volume, ...mount, writerImage]);
		if (mebibytes > 0) await writeFile(bulkOf(volume), randomBytes(mebibytes * 1024 * 1024));
		return volume;
	}

	async function backUp(volume: VolumeName, consistency: "stopped" | "paused") {
		const context = rig.context();
		const { result } = await perform("volume.backup", { volume, consistency }, { context });
		const { downtimeMs, predictedDowntimeMs: predicted } = result;
		const { manifest } = await context.archives.find(result.archive);
		assert.deepEqual([manifest.downtimeMs, manifest.predictedDowntimeMs], [downtimeMs, predicted]);
		return { manifest, predicted };
	}

	function bulkOf(volume: VolumeName): string {
		return join(host.dataRoot, "volumes", volume, "_data", "bulk");
	}
});

function compare(downtimeMs: number, predicted: number): string {
	const error = Math.round(((predicted - downtimeMs) / downtimeMs) * 100);
	return `down ${downtimeMs} ms, predicted ${predicted} ms: ${error} %`;
}
