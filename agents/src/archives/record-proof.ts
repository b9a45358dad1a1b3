import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { CommandId, Instant, Sha256 } from "@davit/protocol";
import { z } from "zod";
import { errnoOf } from "../files/file-failure.ts";
import { writeDurably } from "./write-durably.ts";

export const proofFile = "proof.json";

const Drill = z.object({
	/** The drill's own. */
	command: CommandId,
	at: Instant,
	restoreMs: z.int().nonnegative(),
	compareMs: z.int().nonnegative(),
});

/** What was found out about an archive since it was taken; it holds for that very manifest. */
const ArchiveProof = z.object({
	manifestSha256: Sha256,
	/** When every stored byte was last found right. */
	verifiedAt: Instant.optional(),
	/** The newest whole restore that was compared with it. */
	drill: Drill.optional(),
	/** It did not match, and why. */
	damagedAt: Instant.optional(),
	reason: z.string().optional(),
});
export type ArchiveProof = z.infer<typeof ArchiveProof>;

/** A record whose own bytes are not what was written proves nothing. */
const Sealed = z.object({ version: z.literal(2), proof: ArchiveProof, sha256: Sha256 });
/** As it was written before records had a sum. */
const Unsealed = ArchiveProof.extend({ version: z.literal(1) });

export async function recordProof(folder: string, proof: ArchiveProof): Promise<void> {
	const sealed = { version: 2, proof, sha256: sumOf(proof) };
	await writeDurably(join(folder, proofFile), `${JSON.stringify(sealed)}\n`);
}

/** The proof of a folder's archive; undefined when nothing was proven, or the record cannot be read. */
export async function readProof(folder: string, manifestSha256: string): Promise<ArchiveProof | undefined> {
	const proof = parseProof(await readJson(join(folder, proofFile)));
	return proof?.manifestSha256 === manifestSha256 ? proof : undefined;
}

function parseProof(raw: unknown): ArchiveProof | undefined {
	const sealed = Sealed.safeParse(raw);
	if (!sealed.success) return Unsealed.safeParse(raw).data;
	// It was just found to be an object with a proof; its own keys count, also those of a newer Davit.
	const { proof } = raw as { readonly proof: unknown };
	return sumOf(proof) === sealed.data.sha256 ? sealed.data.proof : undefined;
}

function sumOf(proof: unknown): string {
	return createHash("sha256").update(JSON.stringify(proof)).digest("hex");
}

async function readJson(path: string): Promise<unknown> {
	try {
		return JSON.parse(await readFile(path, "utf8"));
	} catch (error) {
		if (error instanceof SyntaxError || errnoOf(error) === "ENOENT") return undefined;
		throw error;
	}
}
