import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Instant, Sha256 } from "@davit/protocol";
import { z } from "zod";
import { errnoOf } from "../files/file-failure.ts";
import { writeDurably } from "./write-durably.ts";

const proofFile = "proof.json";

/** What the last verification of an archive found; it holds for that very manifest. */
const ArchiveProof = z.object({
	version: z.literal(1),
	manifestSha256: Sha256,
	verifiedAt: Instant.optional(),
	/** It did not match, and why. */
	damagedAt: Instant.optional(),
	reason: z.string().optional(),
});
export type ArchiveProof = z.infer<typeof ArchiveProof>;

export async function recordProof(folder: string, proof: Omit<ArchiveProof, "version">): Promise<void> {
	await writeDurably(join(folder, proofFile), `${JSON.stringify({ version: 1, ...proof })}\n`);
}

/** The proof of a folder's archive; undefined when it was never verified, or the record cannot be read. */
export async function readProof(folder: string, manifestSha256: string): Promise<ArchiveProof | undefined> {
	const proof = ArchiveProof.safeParse(await readJson(join(folder, proofFile)));
	return proof.success && proof.data.manifestSha256 === manifestSha256 ? proof.data : undefined;
}

async function readJson(path: string): Promise<unknown> {
	try {
		return JSON.parse(await readFile(path, "utf8"));
	} catch (error) {
		if (error instanceof SyntaxError || errnoOf(error) === "ENOENT") return undefined;
		throw error;
	}
}
