import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
	type ArchiveId,
	type ArchiveSummary,
	type Instant,
	type Logger,
	type Manifest,
	OperationError,
	type ResourceId,
} from "@davit/protocol";
import { errnoOf, fileFailure } from "../files/file-failure.ts";
import type { ArchivesOptions } from "./archives.ts";
import { commitSteps } from "./commit-archive.ts";
import type { SummaryIndex } from "./index-summaries.ts";
import { describeDamaged, inspectPlaced } from "./inspect-archive.ts";
import {
	type ArchiveFolder,
	type FolderState,
	folderName,
	listFolders,
	resourceKeysIn,
	searchFolders,
} from "./name-folders.ts";
import { makeFolder, renameDurably, syncDirectory } from "./write-durably.ts";

export function isOf(archive: ArchiveId, state: FolderState): (folder: ArchiveFolder) => boolean {
	return (folder) => folder.archive === archive && folder.state === state;
}

export async function beginArchive(parent: string, archive: ArchiveId, takenAt: Instant): Promise<string> {
	const path = join(parent, `${folderName(archive, takenAt)}.partial`);
	try {
		const folders = await listFolders(parent);
		if (folders.some(isOf(archive, "complete"))) throw new Error(`archive ${archive} was committed before`);
		await removeAll(folders, isOf(archive, "partial"));
		await makeFolder(path);
		return path;
	} catch (error) {
		throw fileFailure(error, { doing: "beginning an archive", path: parent });
	}
}

export async function commitArchive(
	manifest: Manifest,
	partial: string,
	{ privateKey, publicKey }: ArchivesOptions,
): Promise<string> {
	const { archive, takenAt } = manifest;
	const [parent, final] = [dirname(partial), join(dirname(partial), folderName(archive, takenAt))];
	if (`${final}.partial` !== partial) throw new Error(`${partial} is not the folder of archive ${archive}`);
	if (manifest.publicKey !== publicKey)
		throw new Error(`archive ${archive} names another key than the agent's`);
	const folders = await listFolders(parent);
	if (folders.some(isOf(archive, "complete"))) {
		// The rename was done before, and perhaps not yet durable.
		await syncDirectory(parent);
		return final;
	}
	try {
		for (const step of commitSteps({ manifest, partial, final, privateKey })) await step.run();
		return final;
	} catch (error) {
		if (errnoOf(error) === "ENOENT") {
			throw new OperationError(
				"archive-corrupt",
				`archive ${archive} cannot be committed: part of it is missing`,
				{
					cause: error,
				},
			);
		}
		throw fileFailure(error, { doing: `committing archive ${archive}`, path: parent });
	}
}

export function presenceIn(folders: ArchiveFolder[], archive: ArchiveId): "absent" | "partial" | "complete" {
	if (folders.some(isOf(archive, "complete"))) return "complete";
	return folders.some(isOf(archive, "partial")) ? "partial" : "absent";
}

/** Archives that are looked at at the same time. */
const readAtOnce = 16;

/** Newest first, by their manifests' times. */
export async function listArchives(
	parent: string,
	{ log, index }: { readonly log: Logger; readonly index: SummaryIndex },
): Promise<ArchiveSummary[]> {
	const folders = (await listFolders(parent)).filter(({ state }) => state === "complete");
	index.keepOnly(parent, new Set(folders.map(({ path }) => path)));
	const summaries: ArchiveSummary[] = [];
	for (let at = 0; at < folders.length; at += readAtOnce) {
		const some = folders.slice(at, at + readAtOnce);
		const read = some.map((folder) => index.summaryOf(folder, () => summaryOf(folder, log)));
		summaries.push(...(await Promise.all(read)).filter((summary) => summary !== undefined));
	}
	return summaries.sort((left, right) => (left.takenAt < right.takenAt ? 1 : -1));
}

async function summaryOf(folder: ArchiveFolder, log: Logger): Promise<ArchiveSummary | undefined> {
	try {
		return (await inspectPlaced(folder)).summary;
	} catch (error) {
		if (!(error instanceof OperationError)) throw error;
		if (error.code === "archive-not-found") return undefined;
		log.warn(
			{ archive: folder.archive, code: error.code, reason: error.message },
			"an archive cannot be trusted",
		);
		return describeDamaged(folder);
	}
}

/** The resource is read from a manifest: a folder's name does not tell it. */
export async function listResources(path: string): Promise<ResourceId[]> {
	const resources = new Set<ResourceId>();
	for (const key of await resourceKeysIn(path)) {
		const resource = await resourceIn(join(path, key));
		if (resource !== undefined) resources.add(resource);
	}
	return [...resources].sort();
}

async function resourceIn(parent: string): Promise<ResourceId | undefined> {
	for (const folder of await listFolders(parent)) {
		if (folder.state !== "complete") continue;
		try {
			return (await inspectPlaced(folder)).manifest.resource;
		} catch (error) {
			// A damaged one does not tell; an older one may.
			if (!(error instanceof OperationError)) throw error;
		}
	}
	return undefined;
}

export async function sweepFolders(path: string, open: ReadonlySet<ArchiveId>): Promise<string[]> {
	const swept: string[] = [];
	const isLeft = ({ state, archive }: ArchiveFolder) => state !== "complete" && !open.has(archive);
	for (const folder of await searchFolders(path, isLeft)) {
		await removeFolder(folder.path);
		swept.push(folder.path);
	}
	return swept;
}

export async function removeAll(
	folders: ArchiveFolder[],
	isMeant: (folder: ArchiveFolder) => boolean,
): Promise<void> {
	for (const folder of folders) if (isMeant(folder)) await removeFolder(folder.path);
}

/** Takes it out of sight first, so that no half removed folder looks like an archive. */
export async function removeFolder(path: string): Promise<void> {
	const removing = path.endsWith(".removing") ? path : `${path.replace(/\.partial$/, "")}.removing`;
	if (removing !== path) await renameDurably(path, removing);
	await rm(removing, { recursive: true, force: true });
	await syncDirectory(dirname(path));
}
