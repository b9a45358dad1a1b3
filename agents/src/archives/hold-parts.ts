import { createHash } from "node:crypto";
import { join } from "node:path";
import { type ArchivePart, type Manifest, OperationError } from "@davit/protocol";
import type { FileJob } from "../files/job.ts";
import { runFileJob } from "../files/run-job.ts";
import { sha256Of } from "../files/tree-entry.ts";
import { checkSecrets } from "../stack/seal-secrets.ts";
import type { ArchivesOptions } from "./archives.ts";
import { commitSteps } from "./commit-archive.ts";
import { checkSums, corrupt, inspectArchive, partsOf, storedBytes } from "./inspect-archive.ts";
import type { ArchiveFolder } from "./name-folders.ts";
import { readManifestBytes } from "./read-manifest.ts";

/** Signs what was built in a folder of an archive; the outer archive's own commit then makes it count. */
export async function commitPart(
	manifest: Manifest,
	{ folder, part }: { readonly folder: string; readonly part: string },
	{ privateKey }: ArchivesOptions,
): Promise<ArchivePart> {
	const path = join(folder, part);
	const steps = commitSteps({ manifest, partial: path, final: path, privateKey });
	// It is in its place already.
	for (const step of steps) if (step.name !== "rename") await step.run();
	const { archive, resource, contentBytes, entries, outcome } = manifest;
	const manifestSha256 = shaOf(await readManifestBytes(path));
	const bytes = storedBytes(manifest);
	return { archive, resource, folder: part, manifestSha256, bytes, contentBytes, entries, outcome };
}

/**
 * Where a part of an archive lies, once it is known to be the very one that the outer manifest names.
 * @throws OperationError archive-corrupt | archive-too-new
 */
export async function findPart(
	outer: ArchiveFolder,
	part: ArchivePart,
): Promise<ArchiveFolder & { readonly manifest: Manifest }> {
	const path = join(outer.path, part.folder);
	const bytes = await readManifestBytes(path).catch((error: unknown) => {
		if (error instanceof OperationError) throw corrupt(outer, `${part.folder} has no manifest`, error);
		throw error;
	});
	if (shaOf(bytes) !== part.manifestSha256)
		throw corrupt(outer, `${part.folder} is not the part that it names`);
	const folder = { ...outer, archive: part.archive, path };
	const { manifest } = await inspectArchive(folder);
	return { ...folder, manifest };
}

interface Verifying {
	readonly signal: AbortSignal;
	/** The job with the keys that it needs. */
	readonly open: (folder: ArchiveFolder, manifest: Manifest) => Promise<FileJob>;
}

/** Reads every byte of an archive's parts. @throws OperationError archive-corrupt */
export async function verifyParts(
	outer: ArchiveFolder,
	manifest: Manifest,
	{ signal, open }: Verifying,
): Promise<void> {
	const { stack } = manifest;
	if (stack === undefined) return;
	if (stack.secrets !== null) checkSecrets(outer.path, stack.secrets);
	for (const part of partsOf(manifest)) {
		const folder = await findPart(outer, part);
		await checkSums(folder, folder.manifest);
		await runFileJob(await open(folder, folder.manifest), { signal });
	}
}

function shaOf(bytes: Buffer) {
	return sha256Of(createHash("sha256").update(bytes).digest("hex"));
}
