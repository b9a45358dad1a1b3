import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Manifest } from "@davit/protocol";
import { z } from "zod";
import type { FileProgress } from "../files/job.ts";
import { syncTree } from "../files/sync-tree.ts";
import { describeExit } from "./judge-exit.ts";
import { type Restic, runRestic } from "./run-restic.ts";
import { stallOf } from "./snapshots.ts";

export interface Restoring {
	readonly snapshot: string;
	readonly manifest: Manifest;
	/** The tree's new folder; missing or empty. */
	readonly target: string;
	readonly signal: AbortSignal;
	readonly onProgress: (progress: FileProgress) => void;
}

const Status = z.object({ bytes_restored: z.number().default(0), total_bytes: z.number().default(0) });

/**
 * Writes a snapshot's tree as a new folder, durably. It is made beside the target first, for restic gives the folder that it is told
 * to restore into no owner, mode and time of its own.
 */
export async function restoreTree(restic: Restic, restoring: Restoring): Promise<void> {
	const { snapshot, manifest, target, signal, onProgress } = restoring;
	const folder = manifest.repository?.folder ?? "";
	const beside = besideOf(target);
	await rm(beside, { recursive: true, force: true });
	await mkdir(beside, { mode: 0o700 });
	const answer = await runRestic(restic, {
		arguments: [
			...["restore", `${snapshot}:${dirname(folder)}`, "--include", `/${literal(basename(folder))}`],
			...["--target", beside, "--sparse"],
		],
		...{ signal, lockWaitSeconds: restic.repository.lockSeconds, silenceMs: stallOf(restic) },
		onLine: (line) => {
			const status = line["message_type"] === "status" ? Status.safeParse(line) : undefined;
			if (status?.success === true) {
				onProgress({ bytes: status.data.bytes_restored, totalBytes: status.data.total_bytes });
			}
		},
	});
	if (answer.code !== 0) throw describeExit(answer, { repository: restic.repository.name, doing: "restore" });
	await rename(join(beside, basename(folder)), target);
	await rm(beside, { recursive: true });
	await syncTree(target, signal);
}

/** What an interrupted restore left beside its target. */
export async function removeBeside(target: string): Promise<void> {
	await rm(besideOf(target), { recursive: true, force: true });
}

function besideOf(target: string): string {
	return join(dirname(target), `.davit-restic-${basename(target).replace(/^\./, "")}`);
}

function literal(name: string): string {
	return name.replaceAll(/[*?[\\]/g, "\\$&");
}
