import { createHash, type createPublicKey } from "node:crypto";
import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import {
	type ArchivePart,
	type ArchiveSummary,
	type Bytes,
	type Manifest,
	OperationError,
	type Proof,
	readPublicKey,
	resourceKey,
} from "@davit/protocol";
import { errnoOf } from "../files/file-failure.ts";
import { sha256Of } from "../files/tree-entry.ts";
import { signatureFile, sumsFile } from "./commit-archive.ts";
import { sumsText } from "./describe-restore.ts";
import { type ArchiveFolder, folderName } from "./name-folders.ts";
import { manifestFile, parseManifest, readManifestBytes } from "./read-manifest.ts";
import { readProof } from "./record-proof.ts";
import { isSignedBy } from "./sign-manifest.ts";
import { readSnapshotRecord } from "./snapshot-record.ts";

export interface Inspected {
	readonly manifest: Manifest;
	readonly summary: ArchiveSummary;
}

/**
 * What an archive's folder holds, by its manifest, whose signature is checked.
 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new
 */
export async function inspectArchive(folder: ArchiveFolder): Promise<Inspected> {
	const bytes = await readManifestBytes(folder.path);
	const manifest = parseManifest(bytes, folder.path);
	if (manifest.archive !== folder.archive) {
		throw corrupt(folder, `its manifest is of archive ${manifest.archive}`);
	}
	if (!(await isGenuine(folder.path, bytes, manifest))) {
		throw corrupt(folder, "its manifest is not signed by the key that it names");
	}
	const manifestSha256 = sha256Of(createHash("sha256").update(bytes).digest("hex"));
	const found = await readProof(folder.path, manifestSha256);
	const { verifiedAt, drill } = found ?? {};
	const proof: Proof[] = ["taken"];
	if (verifiedAt !== undefined) proof.push("verified");
	if (drill !== undefined) proof.push("drilled");
	const { archive: id, takenAt, consistency, outcome, fidelity, durationMs, run } = manifest;
	const snapshot = manifest.repository === undefined ? undefined : await readSnapshotRecord(folder.path);
	const summary = {
		...{
			id,
			takenAt,
			bytes: snapshot?.addedBytes ?? storedBytes(manifest),
			...countsOf(manifest),
			proof,
			consistency,
			outcome,
		},
		...{ damaged: found?.damagedAt !== undefined, fidelity, manifestSha256, durationMs },
		...(run === undefined ? {} : { run }),
		...(verifiedAt === undefined ? {} : { verifiedAt }),
		...(drill === undefined ? {} : { drilledAt: drill.at, restoreMs: drill.restoreMs }),
		...(manifest.repository === undefined ? {} : { repository: manifest.repository.name }),
	};
	return { manifest, summary };
}

/**
 * The same of an archive that lies where its own would: another of the same id, or one that was moved, is none.
 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new
 */
export async function inspectPlaced(folder: ArchiveFolder): Promise<Inspected> {
	const inspected = await inspectArchive(folder);
	const { manifest } = inspected;
	if (folderName(manifest.archive, manifest.takenAt) !== basename(folder.path)) {
		throw corrupt(folder, `its manifest is of an archive that was taken ${manifest.takenAt}`);
	}
	if (resourceKey(manifest.resource) !== basename(dirname(folder.path))) {
		throw corrupt(folder, `it lies where ${manifest.resource} has no archives`);
	}
	return inspected;
}

/** What can be said of an archive whose manifest cannot be trusted: what its folder's name and its files say. */
export async function describeDamaged(folder: ArchiveFolder): Promise<ArchiveSummary> {
	const bytes = await readManifestBytes(folder.path);
	let stored = 0;
	for (const name of await readdir(folder.path)) stored += (await stat(join(folder.path, name))).size;
	return {
		id: folder.archive,
		takenAt: folder.takenAt,
		// Sizes of files are counts of bytes, and 0 is one.
		bytes: stored as Bytes,
		contentBytes: 0 as Bytes,
		entries: 0,
		proof: ["taken"],
		consistency: "live",
		outcome: "partial",
		damaged: true,
		fidelity: "reduced",
		manifestSha256: sha256Of(createHash("sha256").update(bytes).digest("hex")),
		durationMs: 0,
	};
}

/**
 * Compares every file of the folder but the content's two, which are proven as they are read, with its sums.
 * @throws OperationError archive-corrupt
 */
export async function checkSums(folder: ArchiveFolder, manifest: Manifest): Promise<void> {
	const found = [...manifest.artefacts.map(({ path, sha256 }) => ({ path, sha256 }))];
	for (const path of ["RESTORE.md", "restore.sh", manifestFile, signatureFile]) {
		found.push({ path, sha256: sha256Of(await hashOf(folder, path)) });
	}
	const text = await readText(folder, sumsFile);
	if (text !== sumsText(found)) throw corrupt(folder, `${sumsFile} does not match its files`);
}

/**
 * Compares the content's files, as they are stored, with the manifest: for that no key is needed.
 * @throws OperationError archive-corrupt
 */
export async function checkStored(folder: ArchiveFolder, { artefacts }: Manifest): Promise<void> {
	for (const { path, sha256 } of artefacts) {
		if ((await hashOf(folder, path)) !== sha256) throw corrupt(folder, `${path} is not what was stored`);
	}
}

export function corrupt(folder: ArchiveFolder, why: string, cause?: unknown): OperationError {
	return new OperationError(
		"archive-corrupt",
		`archive ${folder.archive} in ${folder.path} is damaged: ${why}`,
		{
			cause,
		},
	);
}

export function storedBytes(manifest: Manifest): Bytes {
	const { artefacts, stack } = manifest;
	const own = [...artefacts, ...partsOf(manifest)].reduce((sum, { bytes }) => sum + bytes, 0);
	// A sum of counts of bytes is one.
	return (own + (stack?.secrets?.bytes ?? 0)) as Bytes;
}

/** Of a stack: the archives within it. */
export function partsOf({ stack }: Manifest): readonly ArchivePart[] {
	return stack === undefined ? [] : [...stack.parts, ...(stack.images === null ? [] : [stack.images])];
}

/** Of all that is in it, parts included. */
function countsOf(manifest: Manifest): Pick<Manifest, "entries" | "contentBytes"> {
	const all = [manifest, ...partsOf(manifest)];
	return {
		entries: all.reduce((sum, { entries }) => sum + entries, 0),
		// A sum of counts of bytes is one.
		contentBytes: all.reduce((sum, { contentBytes }) => sum + contentBytes, 0) as Bytes,
	};
}

async function isGenuine(path: string, bytes: Buffer, { publicKey }: Manifest): Promise<boolean> {
	const armored = await readFile(join(path, signatureFile), "latin1").catch((error: unknown) => {
		if (errnoOf(error) === "ENOENT") return "";
		throw error;
	});
	return isSignedBy(armored, bytes, keyOf(publicKey));
}

function keyOf(publicKey: string): ReturnType<typeof createPublicKey> {
	try {
		return readPublicKey(publicKey);
	} catch (error) {
		throw new OperationError("archive-corrupt", "a manifest's public key cannot be read", { cause: error });
	}
}

async function hashOf(folder: ArchiveFolder, name: string): Promise<string> {
	const digest = createHash("sha256");
	try {
		for await (const part of createReadStream(join(folder.path, name))) digest.update(part);
	} catch (error) {
		throw missing(folder, name, error);
	}
	return digest.digest("hex");
}

async function readText(folder: ArchiveFolder, name: string): Promise<string> {
	try {
		return await readFile(join(folder.path, name), "latin1");
	} catch (error) {
		throw missing(folder, name, error);
	}
}

function missing(folder: ArchiveFolder, name: string, error: unknown): unknown {
	return errnoOf(error) === "ENOENT" ? corrupt(folder, `${name} is missing`, error) : error;
}
