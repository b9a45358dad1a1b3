import { randomInt } from "node:crypto";
import { type ArchiveId, Bytes, OperationError, resourceOf, type VerifyResult } from "@davit/protocol";
import type { Reading } from "../operation.ts";
import { requireOwnArchive } from "./require-own-archive.ts";
import { showProgress } from "./show-progress.ts";
import { verifyStored } from "./verify-stored.ts";

/** Reads every byte of an archive, or a sample of it, and records what came of it: the proof, or that it is damaged. */
export const verify: Reading<"volume.verify" | "path.verify" | "stack.verify"> = {
	async read(params, context, signal) {
		const { archive } = params;
		const resource = resourceOf(params);
		await requireOwnArchive(archive, resource, context.archives);
		const beganAtMs = context.now();
		const succeeded = (found: Omit<VerifyResult, "durationMs">) => ({
			state: "succeeded" as const,
			result: { ...found, durationMs: Math.max(0, Math.round(context.now() - beganAtMs)) },
		});
		const onProgress = showProgress("verify", context);
		if (params.sample !== undefined) {
			if (resource.startsWith("stack:")) throw notSampled(archive, "of a stack");
			const { manifest } = await context.archives.find(archive);
			if (manifest.repository !== undefined) throw notSampled(archive, "in a repository");
			const { percent, seed = randomInt(2 ** 32) } = params.sample;
			const sampled = await context.archives.sample(archive, { percent, seed }, { signal, onProgress });
			const { bytes, entries, frames, ofFrames } = sampled;
			const sample = { percent, seed, frames, ofFrames };
			return succeeded({ archive, bytes: Bytes.parse(bytes), entries, sample });
		}
		const { bytes, entries, verifiedAt } = await verifyStored(archive, context, { signal, onProgress });
		return succeeded({ archive, bytes: Bytes.parse(bytes), entries, verifiedAt });
	},
};

function notSampled(archive: ArchiveId, what: string): OperationError {
	return new OperationError(
		"unsupported",
		`archive ${archive} is ${what}, which is verified whole or not at all`,
		{
			hint: "verify it without --sample",
		},
	);
}
