import { rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
	type ArchiveId,
	type ArchiveSummary,
	type Instant,
	instantOf,
	type Logger,
	type Manifest,
	OperationError,
	type ResourceId,
} from "@davit/protocol";
import { equipJob } from "../encryption/equip-job.ts";
import type { Keyring } from "../encryption/keyring.ts";
import { errnoOf, fileFailure } from "../files/file-failure.ts";
import { runFileJob } from "../files/run-job.ts";
import type { ArchivesOptions, Verification, Watching } from "./archives.ts";
import { commitSteps } from "./commit-archive.ts";
import { verifyParts } from "./hold-parts.ts";
import {
	checkStored,
	checkSums,
	corrupt,
	describeDamaged,
	inspectArchive,
	storedBytes,
} from "./inspect-archive.ts";
import { type ArchiveFolder, type FolderState, folderName, listFolders, namesIn } from "./name-folders.ts";
import { recordProof } from "./record-proof.ts";
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

/** Newest first, by their manifests' times. */
export async function listArchives(parent: string, log: Logger): Promise<ArchiveSummary[]> {
	const summaries: ArchiveSummary[] = [];
	for (const folder of await listFolders(parent)) {
		if (folder.state !== "complete") continue;
		const summary = await summaryOf(folder, log);
		if (summary !== undefined) summaries.push(summary);
	}
	return summaries.sort((left, right) => (left.takenAt < right.takenAt ? 1 : -1));
}

async function summaryOf(folder: ArchiveFolder, log: Logger): Promise<ArchiveSummary | undefined> {
	try {
		return (await inspectArchive(folder)).summary;
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
	for (const key of await namesIn(path)) {
		const resource = await resourceIn(join(path, key));
		if (resource !== undefined) resources.add(resource);
	}
	return [...resources].sort();
}

async function resourceIn(parent: string): Promise<ResourceId | undefined> {
	for (const folder of await listFolders(parent)) {
		if (folder.state !== "complete") continue;
		try {
			return (await inspectArchive(folder)).manifest.resource;
		} catch (error) {
			// A damaged one does not tell; an older one may.
			if (!(error instanceof OperationError)) throw error;
		}
	}
	return undefined;
}

export async function verifyArchive(
	folder: ArchiveFolder,
	{ signal, onProgress }: Watching,
	{ now, keyring }: ArchivesOptions,
): Promise<Verification> {
	const { manifest, summary } = await inspectArchive(folder);
	const { manifestSha256 } = summary;
	try {
		await checkSums(folder, manifest);
		const context = { signal, ...(onProgress === undefined ? {} : { onProgress }) };
		const { entries } = await runFileJob(await openForVerifying(folder, manifest, keyring), context);
		await verifyParts(folder, manifest, {
			signal,
			open: (part, inner) => openForVerifying(part, inner, keyring),
		});
		const verifiedAt = instantOf(now());
		await recordProof(folder.path, { manifestSha256, verifiedAt });
		return { bytes: storedBytes(manifest), entries, verifiedAt };
	} catch (error) {
		if (!(error instanceof OperationError) || error.code !== "archive-corrupt") throw error;
		await recordProof(folder.path, { manifestSha256, damagedAt: instantOf(now()), reason: error.message });
		throw corrupt(folder, error.message, error);
	}
}

/** Without a key only what is stored can be compared; that proves nothing of what it holds. */
async function openForVerifying(folder: ArchiveFolder, manifest: Manifest, keyring: Keyring | undefined) {
	const job = { kind: "verify", archive: folder.path } as const;
	if (keyring === undefined) return job;
	try {
		return await equipJob(job, keyring);
	} catch (error) {
		if (!(error instanceof OperationError) || error.code !== "archive-locked") throw error;
		await checkStored(folder, manifest);
		const message = `archive ${folder.archive} is stored as it was written, but ${error.message}`;
		throw new OperationError("archive-locked", message, { cause: error });
	}
}

export async function sweepFolders(path: string, open: ReadonlySet<ArchiveId>): Promise<string[]> {
	const swept: string[] = [];
	for (const key of await namesIn(path)) {
		for (const folder of await listFolders(join(path, key))) {
			if (folder.state === "complete" || open.has(folder.archive)) continue;
			await removeFolder(folder.path);
			swept.push(folder.path);
		}
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
