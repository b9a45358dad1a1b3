import { type ArchiveId, OperationError } from "@davit/protocol";
import type { OperationContext } from "../operation.ts";
import { openRestic } from "../restic/find-restic.ts";
import { forgetSnapshots, listSnapshots, tagOf } from "../restic/snapshots.ts";

/**
 * Forgets exactly the snapshot of an archive that goes; harmless where it is gone, and where the archive is in no repository. restic
 * never chooses: what goes is chosen by Davit's own policy, and was marked a grace ago.
 */
export async function forgetStored(
	archive: ArchiveId,
	{ archives, config }: Pick<OperationContext, "archives" | "config">,
	signal: AbortSignal,
): Promise<void> {
	const manifest = await manifestOf(archive, archives);
	if (manifest?.repository === undefined) return;
	const restic = await openRestic(manifest.repository.name, config);
	const own = await listSnapshots(restic, { tag: tagOf.archive(archive), signal });
	await forgetSnapshots(
		restic,
		own.map(({ id }) => id),
		signal,
	);
}

/** Undefined where it is gone, or cannot be trusted: such an archive is removed from this host alone. */
async function manifestOf(archive: ArchiveId, archives: OperationContext["archives"]) {
	try {
		return (await archives.find(archive)).manifest;
	} catch (error) {
		if (error instanceof OperationError && /^archive-(not-found|corrupt|too-new)$/.test(error.code))
			return undefined;
		throw error;
	}
}
