import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { type ArchiveId, type Manifest, OperationError } from "@davit/protocol";
import { errnoOf } from "../files/file-failure.ts";
import type { ArchivesOptions } from "./archives.ts";
import { findPart } from "./hold-parts.ts";
import { checkSums, corrupt, inspectPlaced, partsOf } from "./inspect-archive.ts";
import { type ArchiveFolder, listFolders, resourceKeysIn } from "./name-folders.ts";
import { recordDamage } from "./prove-archive.ts";
import { readProof } from "./record-proof.ts";

/** What the archives' folder alone tells. */
export interface Rescanned {
	/** Resources that have an archive. */
	readonly resources: number;
	/** Archives, damaged ones too. */
	readonly count: number;
	/** What all their files take. */
	readonly bytes: number;
	readonly damages: readonly FoundDamage[];
}

export interface FoundDamage {
	readonly archive: ArchiveId;
	readonly at: string;
	readonly why: string;
}

/** Looks at every archive but its content: signature, place, sums, and whether each stored file has its size. */
export async function rescanFolders(
	path: string,
	options: ArchivesOptions,
	signal: AbortSignal,
): Promise<Rescanned> {
	const damages: FoundDamage[] = [];
	let [resources, count, bytes] = [0, 0, 0];
	for (const key of await resourceKeysIn(path)) {
		const folders = (await listFolders(join(path, key))).filter(({ state }) => state === "complete");
		if (folders.length > 0) resources += 1;
		for (const folder of folders) {
			signal.throwIfAborted();
			count += 1;
			bytes += await bytesIn(folder.path);
			const why = await damageOf(folder, options);
			if (why !== undefined) damages.push({ archive: folder.archive, at: folder.path, why });
		}
	}
	return { resources, count, bytes, damages };
}

/** Why it cannot be restored as far as can be told without reading its content; recorded where there is a manifest to record it for. */
async function damageOf(folder: ArchiveFolder, options: ArchivesOptions): Promise<string | undefined> {
	try {
		const { manifest, summary } = await inspectPlaced(folder);
		if (summary.damaged) {
			return (await readProof(folder.path, summary.manifestSha256))?.reason ?? "it was found damaged before";
		}
		return await recordedDamageOf(folder, manifest, options);
	} catch (error) {
		// Without a manifest that can be trusted it is listed as damaged by that alone, or not at all.
		if (error instanceof OperationError) return error.message;
		throw error;
	}
}

async function recordedDamageOf(
	folder: ArchiveFolder,
	manifest: Manifest,
	options: ArchivesOptions,
): Promise<string | undefined> {
	try {
		await checkFiles(folder, manifest);
		for (const part of partsOf(manifest)) {
			const found = await findPart(folder, part);
			await checkFiles(found, found.manifest);
		}
		return undefined;
	} catch (error) {
		if (!(error instanceof OperationError) || error.code !== "archive-corrupt") throw error;
		await recordDamage(folder, error.message, options);
		return error.message;
	}
}

async function checkFiles(folder: ArchiveFolder, manifest: Manifest): Promise<void> {
	await checkSums(folder, manifest);
	for (const { path, bytes } of manifest.artefacts) {
		const size = await sizeOf(join(folder.path, path));
		if (size === bytes) continue;
		const found = size === undefined ? "is missing" : `has ${size} bytes instead of ${bytes}`;
		throw corrupt(folder, `${path} ${found}`);
	}
}

async function bytesIn(folder: string): Promise<number> {
	let sum = 0;
	for (const name of await readdir(folder, { recursive: true }))
		sum += (await sizeOf(join(folder, name))) ?? 0;
	return sum;
}

/** Of a file; undefined where there is none. Folders count nothing. */
async function sizeOf(path: string): Promise<number | undefined> {
	try {
		const found = await stat(path);
		return found.isFile() ? found.size : 0;
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return undefined;
		throw error;
	}
}
