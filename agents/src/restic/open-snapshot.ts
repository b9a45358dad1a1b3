import { type Manifest, OperationError } from "@davit/protocol";
import { readSnapshotRecord } from "../archives/snapshot-record.ts";
import { openRestic, type ResticSettings } from "./find-restic.ts";
import type { Restic } from "./run-restic.ts";
import { listSnapshots, tagOf } from "./snapshots.ts";

export interface OpenSnapshot {
	readonly restic: Restic;
	/** Its id. */
	readonly snapshot: string;
}

/**
 * The snapshot that holds an archive's content.
 * @throws OperationError repository-not-found | restic-missing | archive-corrupt where the repository has it no more
 */
export async function openSnapshot(
	{ manifest, folder }: { readonly manifest: Manifest; readonly folder: string },
	config: ResticSettings,
	signal: AbortSignal,
): Promise<OpenSnapshot> {
	const { repository, archive } = manifest;
	if (repository === undefined) throw new TypeError(`archive ${archive} is in no repository`);
	const restic = await openRestic(repository.name, config);
	const recorded = await readSnapshotRecord(folder);
	const tagged = await listSnapshots(restic, { tag: tagOf.archive(archive), signal });
	// Rewriting a snapshot, as to add a tag, gives it another id.
	const found = tagged.find(({ id }) => id === recorded?.snapshot) ?? tagged.at(-1);
	if (found !== undefined) return { restic, snapshot: found.id };
	throw new OperationError(
		"archive-corrupt",
		`archive ${archive} is not in repository ${repository.name} any more`,
		{ hint: "somebody removed its snapshot; davit list archives shows the others" },
	);
}
