import type { ArchiveId } from "@davit/protocol";
import type { Verification, Watching } from "../archives/archives.ts";
import type { OperationContext } from "../operation.ts";
import { openSnapshot } from "../restic/open-snapshot.ts";
import { readBack } from "../restic/read-back.ts";

/**
 * Reads every byte of an archive wherever it is stored and records what came of it.
 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new; of the repository
 */
export async function verifyStored(
	archive: ArchiveId,
	{ archives, config }: Pick<OperationContext, "archives" | "config">,
	watching: Watching,
): Promise<Verification> {
	const { manifest } = await archives.find(archive);
	if (manifest.repository === undefined) return await archives.verify(archive, watching);
	return await archives.verify(archive, watching, async ({ folder }) => {
		const { restic, snapshot } = await openSnapshot({ manifest, folder }, config, watching.signal);
		return await readBack(restic, { snapshot, folder, manifest, ...watching });
	});
}
