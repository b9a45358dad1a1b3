import { randomInt } from "node:crypto";
import { type ArchiveId, Bytes, OperationError, resourceOf, type VerifyResult } from "@davit/protocol";
import type { Watching } from "../archives/archives.ts";
import type { Sample, SampledContent } from "../files/job.ts";
import type { OperationContext, Reading } from "../operation.ts";
import { requireOwnArchive } from "./require-own-archive.ts";
import { type SampledFiles, sampleStored } from "./sample-stored.ts";
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
			if (resource.startsWith("stack:")) throw notSampled(archive);
			const sample = { percent: params.sample.percent, seed: params.sample.seed ?? randomInt(2 ** 32) };
			const { bytes, entries, ...read } = await sampleArchive(archive, sample, {
				...{ context, signal, onProgress },
			});
			return succeeded({ archive, bytes: Bytes.parse(bytes), entries, sample: { ...sample, ...read } });
		}
		const { bytes, entries, verifiedAt } = await verifyStored(archive, context, { signal, onProgress });
		return succeeded({ archive, bytes: Bytes.parse(bytes), entries, verifiedAt });
	},
};

/** Frames of the archive's own content, or files out of its repository. */
async function sampleArchive(
	archive: ArchiveId,
	sample: Sample,
	{ context, ...watching }: Watching & { readonly context: OperationContext },
): Promise<SampledContent | SampledFiles> {
	const { archives } = context;
	const { manifest } = await archives.find(archive);
	if (manifest.repository === undefined) return await archives.sample(archive, { sample, ...watching });
	return await archives.sample<SampledFiles>(archive, { sample, ...watching }, (found) =>
		sampleStored(found, { sample, context, signal: watching.signal }),
	);
}

function notSampled(archive: ArchiveId): OperationError {
	return new OperationError(
		"unsupported",
		`archive ${archive} is of a stack, which is verified whole or not at all`,
		{
			hint: "verify it without --sample",
		},
	);
}
