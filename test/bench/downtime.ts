import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { OperationContext } from "@davit/agents/operation.ts";
import { VolumeName } from "@davit/protocol";
import { openRig } from "../agents/open-rig.ts";
import { perform } from "../agents/perform.ts";
import { labAvailability } from "../lab/availability.ts";
import type { Host } from "../lab/host/open.ts";
import { buildWriter, importBusybox, writerFolder, writerImage } from "../lab/image/build.ts";
import { openLaboratory } from "../lab/laboratory.ts";
import { type Bench, percentile, type Row } from "./measure.ts";

const rungs = ["stopped", "paused"] as const;
/** What the volume holds at each backup; nothing is predicted of the first. */
const megabytes = [200, 200, 300, 300, 400, 200];
/** Of what was measured. */
const goal = 0.2;

export const downtime: Bench = {
	name: "downtime",
	about: `how long a container does not serve while its volume of ${Math.min(...megabytes)} to ${Math.max(...megabytes)} MB is backed up on a real engine, predicted before and measured, ${megabytes.length - 1} times on each rung`,
	async run(signal) {
		const { hosts: unavailable } = await labAvailability();
		if (unavailable !== undefined) {
			return [{ measure: "downtime", value: `left out: ${unavailable}`, peer: "", goal: "", met: undefined }];
		}
		await using laboratory = await openLaboratory({ hosts: [{ name: "nas", engine: "26.1" }] }, signal);
		const host = laboratory.host("nas");
		await importBusybox(host, signal);
		await buildWriter(host, signal);
		const rig = await openRig({ folder: host.folder, socketPath: host.socketPath }, signal);
		const rows: Row[] = [];
		for (const rung of rungs) rows.push(await measure(rung, host, rig.context));
		return rows;
	},
};

async function measure(
	consistency: (typeof rungs)[number],
	host: Host,
	context: () => OperationContext,
): Promise<Row> {
	const volume = VolumeName.parse(`timed-${consistency}`);
	const mount = ["--volume", `${volume}:${writerFolder}`];
	await host.docker(["run", "--detach", "--name", volume, ...mount, writerImage]);
	const bulk = join(host.dataRoot, "volumes", volume, "_data", "bulk");
	const errors: number[] = [];
	const measured: number[] = [];
	for (const size of megabytes) {
		await writeFile(bulk, randomBytes(size * 1_000_000));
		const { result } = await perform("volume.backup", { volume, consistency }, { context: context() });
		const { downtimeMs, predictedDowntimeMs: predictedMs } = result;
		measured.push(downtimeMs);
		if (predictedMs !== undefined) errors.push((predictedMs - downtimeMs) / downtimeMs);
	}
	if (errors.length !== megabytes.length - 1) throw new Error(`${errors.length} times it was predicted`);
	const worst = Math.max(...errors.map(Math.abs));
	return {
		measure: `downtime of a ${consistency} backup`,
		value: `median ${percentile(measured, 0.5)} ms; predicted ${errors.map(percent).join(", ")} off`,
		peer: "",
		goal: `± ${percent(goal)}`,
		met: worst <= goal,
	};
}

function percent(share: number): string {
	return `${Math.round(share * 100)} %`;
}
