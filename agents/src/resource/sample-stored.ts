import { dirname, join } from "node:path";
import { type Manifest, OperationError } from "@davit/protocol";
import { archivedEntries } from "../files/archived-entries.ts";
import { freeBytesAt } from "../files/file-failure.ts";
import { hashFile } from "../files/hash-file.ts";
import type { Sample } from "../files/job.ts";
import { type RawPath, rawOf, showRaw } from "../files/raw-path.ts";
import { chooseFrames } from "../files/sample-content.ts";
import type { TreeEntry } from "../files/tree-entry.ts";
import type { OperationContext } from "../operation.ts";
import { openSnapshot } from "../restic/open-snapshot.ts";
import { removeBeside, restoreBeside } from "../restic/restore-tree.ts";
import { lackOfSpace } from "./check-space.ts";
import { showProgress } from "./show-progress.ts";

/** A part of what a repository holds of an archive, by whole files. */
export interface SampledFiles {
	readonly entries: number;
	/** Of the content that was read. */
	readonly bytes: number;
	readonly files: number;
	readonly ofFiles: number;
}

interface Sampling {
	readonly sample: Sample;
	readonly context: OperationContext;
	readonly signal: AbortSignal;
}

/**
 * Restores some files of an archive out of its repository, compares them with its digests and removes them. restic stores no frames,
 * so the share is one of files, chosen by a seed; their room must be free below the agent's home.
 * @throws OperationError archive-corrupt | disk-full; of the repository
 */
export async function sampleStored(
	{ folder, manifest }: { readonly folder: string; readonly manifest: Manifest },
	{ sample, context, signal }: Sampling,
): Promise<SampledFiles> {
	const chosen = await chooseFiles(folder, sample, signal);
	const target = join(context.config.home, "agent", `sample-${context.command}`);
	requireRoom(chosen.files, target, context);
	const { restic, snapshot } = await openSnapshot({ manifest, folder }, context.config, signal);
	const onProgress = showProgress("verify", context);
	try {
		const restoring = { snapshot, manifest, target, signal, onProgress };
		const restored = await restoreBeside(restic, restoring, { raw: chosen.files.map(({ path }) => path) });
		for (const file of chosen.files) await requireSame(file, rawOf(restored), { manifest, signal });
	} finally {
		await removeBeside(target);
	}
	const bytes = chosen.files.reduce((sum, { size }) => sum + size, 0);
	return { entries: manifest.entries, bytes, files: chosen.files.length, ofFiles: chosen.count };
}

interface Chosen {
	readonly files: readonly TreeEntry[];
	readonly count: number;
}

/** The list is read twice, so that no more than what was chosen of it is held. */
async function chooseFiles(archive: string, sample: Sample, signal: AbortSignal): Promise<Chosen> {
	let count = 0;
	for await (const entry of archivedEntries({ archive }, signal)) if (isReadable(entry)) count += 1;
	const numbers = new Set(chooseFrames(count, sample));
	const files: TreeEntry[] = [];
	let number = 0;
	for await (const entry of archivedEntries({ archive }, signal)) {
		if (!isReadable(entry)) continue;
		if (numbers.has(number)) files.push(entry);
		number += 1;
	}
	return { files, count };
}

/** A name with a line's end, or with space at its edges, cannot stand in a list for restic. */
function isReadable({ type, path, skipped }: TreeEntry): boolean {
	return type === "file" && skipped === undefined && !/[\r\n]/.test(path) && path === path.trim();
}

async function requireSame(
	{ path, sha256 }: TreeEntry,
	root: RawPath,
	{ manifest, signal }: { readonly manifest: Manifest; readonly signal: AbortSignal },
): Promise<void> {
	if ((await hashFile({ root, path }, signal)) === sha256) return;
	throw new OperationError(
		"archive-corrupt",
		`archive ${manifest.archive} in repository ${manifest.repository?.name ?? ""} does not match its manifest: ${showRaw(path)} is not what it was`,
	);
}

function requireRoom(files: readonly TreeEntry[], target: string, { config }: OperationContext): void {
	const path = dirname(target);
	const lack = lackOfSpace({
		...{ what: "the sample of the archive", path, needBytes: files.reduce((sum, { size }) => sum + size, 0) },
		...{ freeBytes: freeBytesAt(path), reserveBytes: config.minimumFreeBytes },
	});
	if (lack !== undefined) throw lack;
}
