import { OperationError } from "@davit/protocol";
import { readManifest } from "../archives/read-manifest.ts";
import type { Opened } from "./job.ts";
import { isNamed, isSameFile, openArtefact } from "./open-artefact.ts";
import { readEntries } from "./read-entries.ts";
import type { TreeEntry } from "./tree-entry.ts";
import { entriesFile } from "./write-content.ts";

/**
 * What an archive's list says that its tar holds, in the tar's order. Until it has ended the list is not proven.
 * @throws OperationError archive-corrupt | archive-locked
 */
export async function* archivedEntries(opened: Opened, signal: AbortSignal): AsyncGenerator<TreeEntry, void> {
	const manifest = await readManifest(opened.archive);
	using frames = openArtefact(opened, manifest, entriesFile);
	for await (const entry of readEntries(frames)) {
		signal.throwIfAborted();
		if (entry.skipped === undefined) yield entry;
	}
	const expected = manifest.artefacts.find((artefact) => isNamed(artefact, entriesFile));
	if (expected !== undefined && isSameFile(frames.summary, expected)) return;
	throw new OperationError(
		"archive-corrupt",
		`the list of entries in ${opened.archive} does not match its manifest`,
	);
}
