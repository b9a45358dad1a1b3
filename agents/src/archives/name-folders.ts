import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { ArchiveId, type CommandId, type Instant, instantOf } from "@davit/protocol";
import { errnoOf } from "../files/file-failure.ts";

/** `complete` holds an archive or is nothing of ours; `removing` is being deleted. */
export type FolderState = "complete" | "partial" | "removing";

export interface ArchiveFolder {
	readonly archive: ArchiveId;
	readonly state: FolderState;
	readonly takenAt: Instant;
	readonly path: string;
}

/** The archive that a command makes: always the same one. */
export function archiveOf(command: CommandId): ArchiveId {
	return ArchiveId.parse(createHash("sha256").update(command).digest("hex").slice(0, 10));
}

/** `20261122T021400Z-0123456789`. */
export function folderName(archive: ArchiveId, takenAt: Instant): string {
	return `${takenAt.slice(0, 19).replaceAll(/[-:]/g, "")}Z-${archive}`;
}

/** What is in a resource's folder and is named like an archive, the newest first. */
export async function listFolders(resourceFolder: string): Promise<ArchiveFolder[]> {
	const names = await namesIn(resourceFolder);
	return names
		.toSorted()
		.reverse()
		.map((name) => parseFolder(resourceFolder, name))
		.filter((folder) => folder !== undefined);
}

/** All below the archives' folder that are meant; what is not named like a resource's folder is not looked into. */
export async function searchFolders(
	path: string,
	isMeant: (folder: ArchiveFolder) => boolean,
): Promise<ArchiveFolder[]> {
	const found: ArchiveFolder[] = [];
	for (const key of await resourceKeysIn(path)) {
		found.push(...(await listFolders(join(path, key))).filter(isMeant));
	}
	return found;
}

/** Names of folders in the archives' folder that may be of a resource. */
export async function resourceKeysIn(path: string): Promise<string[]> {
	return (await namesIn(path)).filter((name) => /^(?:volume|path|stack)-/.test(name));
}

/** Names in a folder; none where it is missing. */
export async function namesIn(folder: string): Promise<string[]> {
	try {
		return await readdir(folder);
	} catch (error) {
		if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return [];
		throw error;
	}
}

function parseFolder(parent: string, name: string): ArchiveFolder | undefined {
	const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-([0-9a-f]{10})(?:\.(partial|removing))?$/.exec(
		name,
	);
	if (parts === null) return undefined;
	const [, year, month, day, hour, minute, second, id, ending] = parts;
	const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
	if (Number.isNaN(at)) return undefined;
	const state = ending === "partial" || ending === "removing" ? ending : "complete";
	return { archive: ArchiveId.parse(id), state, takenAt: instantOf(at), path: join(parent, name) };
}
