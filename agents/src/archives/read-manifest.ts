import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Manifest, manifestVersion, OperationError, Sha256 } from "@davit/protocol";
import { z } from "zod";
import { errnoOf } from "../files/file-failure.ts";

export const manifestFile = "MANIFEST.json";

const Head = z.object({ format: z.literal("davit-capsule"), version: z.int() });

/**
 * The manifest of an archive's folder; whether its signature is right is not asked here.
 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new
 */
export async function readManifest(folder: string): Promise<Manifest> {
	return parseManifest(await readManifestBytes(folder), folder);
}

/** @throws OperationError archive-not-found */
export async function readManifestBytes(folder: string): Promise<Buffer> {
	try {
		return await readFile(join(folder, manifestFile));
	} catch (error) {
		if (errnoOf(error) !== "ENOENT" && errnoOf(error) !== "ENOTDIR") throw error;
		throw new OperationError("archive-not-found", `${folder} has no manifest, so it is no archive`, {
			cause: error,
		});
	}
}

/** @throws OperationError archive-corrupt | archive-too-new */
export function parseManifest(bytes: Buffer, folder: string): Manifest {
	const raw = parseJson(bytes, folder);
	const head = Head.safeParse(raw);
	if (head.success && head.data.version > manifestVersion) {
		throw new OperationError(
			"archive-too-new",
			`the archive in ${folder} has format ${head.data.version}; this Davit reads formats 1 to ${manifestVersion}`,
		);
	}
	const manifest = Manifest.safeParse(raw);
	if (manifest.success) return manifest.data;
	throw new OperationError(
		"archive-corrupt",
		`the manifest in ${folder} is not one that Davit reads: ${z.prettifyError(manifest.error).slice(0, 500)}`,
		{ cause: manifest.error },
	);
}

function parseJson(bytes: Buffer, folder: string): unknown {
	try {
		return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
	} catch (error) {
		throw new OperationError("archive-corrupt", `the manifest in ${folder} is not JSON in UTF-8`, {
			cause: error,
		});
	}
}

/** SHA-256 of the manifest's bytes, whatever they say. @throws OperationError archive-not-found */
export async function manifestSumOf(folder: string): Promise<Sha256> {
	return Sha256.parse(
		createHash("sha256")
			.update(await readManifestBytes(folder))
			.digest("hex"),
	);
}
