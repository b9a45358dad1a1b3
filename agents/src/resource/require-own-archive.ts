import { type ArchiveId, OperationError, type ResourceId } from "@davit/protocol";
import type { Archives, FoundArchive } from "../archives/archives.ts";

/** An archive of this very resource. @throws OperationError archive-not-found | archive-foreign | archive-corrupt | archive-too-new */
export async function requireOwnArchive(
	archive: ArchiveId,
	resource: ResourceId,
	archives: Archives,
): Promise<FoundArchive> {
	const found = await archives.find(archive);
	if (found.manifest.resource === resource) return found;
	throw new OperationError(
		"archive-foreign",
		`archive ${archive} is of ${found.manifest.resource}, not of ${resource}`,
	);
}
