import { createHash, createPublicKey, type KeyObject } from "node:crypto";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { type Manifest, OperationError } from "@davit/protocol";
import { sha256Of } from "../files/tree-entry.ts";
import { repositoryGuide, repositoryScript } from "./describe-repository.ts";
import { restoreGuide, restoreScript, sumsText } from "./describe-restore.ts";
import { manifestFile } from "./read-manifest.ts";
import { signMessage, sshPublicKey } from "./sign-manifest.ts";
import { renameDurably, syncDirectory, writeDurably } from "./write-durably.ts";

export const signatureFile = `${manifestFile}.sig`;
export const sumsFile = "SHA256SUMS";

/** One durable write; every one of them can be done again. */
export interface CommitStep {
	readonly name: string;
	run(): Promise<void>;
}

export interface Committing {
	readonly manifest: Manifest;
	readonly partial: string;
	readonly final: string;
	readonly privateKey: KeyObject;
}

/**
 * The writes that make a half archive an archive, in their order: the manifest is the last file, the rename makes it one. A crash
 * between any two leaves a half archive or the whole one.
 */
export function commitSteps({ manifest, partial, final, privateKey }: Committing): CommitStep[] {
	const bytes = Buffer.from(`${JSON.stringify(manifest, undefined, "\t")}\n`);
	const signature = signMessage(bytes, privateKey);
	const isStored = manifest.repository !== undefined;
	const guide = isStored
		? repositoryGuide(manifest)
		: restoreGuide(manifest, sshPublicKey(createPublicKey(privateKey)));
	const script = isStored ? repositoryScript(manifest) : restoreScript;
	const sums = sumsText([
		...manifest.artefacts,
		sumOf("RESTORE.md", guide),
		sumOf("restore.sh", script),
		sumOf(manifestFile, bytes),
		sumOf(signatureFile, signature),
	]);
	const write = (name: string, content: string | Uint8Array, mode?: number): CommitStep => ({
		name,
		run: () => writeDurably(join(partial, name), content, mode),
	});
	return [
		{ name: "artefacts", run: () => requireArtefacts(manifest, partial) },
		write("RESTORE.md", guide),
		write("restore.sh", script, 0o700),
		write(sumsFile, sums),
		write(signatureFile, signature),
		write(manifestFile, bytes),
		{ name: "folder", run: () => syncDirectory(partial) },
		{ name: "rename", run: () => renameDurably(partial, final) },
	];
}

async function requireArtefacts({ archive, artefacts }: Manifest, folder: string): Promise<void> {
	for (const { path, bytes } of artefacts) {
		const { size } = await stat(join(folder, path));
		if (size === bytes) continue;
		throw new OperationError(
			"archive-corrupt",
			`archive ${archive} cannot be committed: its ${path} has ${size} bytes and should have ${bytes}`,
		);
	}
}

function sumOf(
	path: string,
	content: string | Uint8Array,
): { path: string; sha256: ReturnType<typeof sha256Of> } {
	return { path, sha256: sha256Of(createHash("sha256").update(content).digest("hex")) };
}
