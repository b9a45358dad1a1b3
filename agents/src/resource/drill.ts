import {
	type ArchiveId,
	Bytes,
	DrillResult,
	OperationError,
	type ResourceId,
	resourceOf,
} from "@davit/protocol";
import type { FoundArchive } from "../archives/archives.ts";
import { agentLabel, agentOf } from "../container/run-contained.ts";
import type { Operation, OperationContext } from "../operation.ts";
import { Compared, type DrillFacts, drillSteps, Unpacked } from "./drill-steps.ts";
import { locateScratch } from "./locate-scratch.ts";

/**
 * Restores an archive where nothing uses it, compares what is there with the archive, removes it and records what was proven. A
 * failure leaves no scratch and no proof; where it is the archive's, the archive is marked as damaged.
 */
export const drill: Operation<"volume.drill" | "path.drill", DrillFacts> = {
	async prepare(params, context, signal) {
		const resource = resourceOf(params);
		const archive = params.archive ?? (await newestVerified(resource, context));
		const { manifest } = await findOwn(archive, { resource, context });
		const { contentBytes, entries } = manifest;
		const wanted = { resource, archive, needBytes: contentBytes };
		const { place, dataPath } = await locateScratch(wanted, context, signal);
		return {
			...{ place, dataPath, archive, entries, contentBytes },
			...{ labels: { [agentLabel]: agentOf(context.config.home) }, startedAtMs: context.now() },
		};
	},
	steps: drillSteps,
	result({ archive, entries, contentBytes, startedAtMs }, outputs) {
		const { restoreMs } = Unpacked.parse(outputs.get("unpack"));
		const { compareMs, at } = Compared.parse(outputs.get("compare"));
		const result: DrillResult = DrillResult.parse({
			...{ archive, entries, contentBytes: Bytes.parse(contentBytes), drilledAt: at, restoreMs, compareMs },
			durationMs: Math.max(0, Date.parse(at) - startedAtMs),
		});
		return { state: "succeeded", result };
	},
};

export async function newestVerified(
	resource: ResourceId,
	{ archives }: OperationContext,
): Promise<ArchiveId> {
	const all = await archives.list(resource);
	const newest = all.find(({ proof, damaged }) => proof.includes("verified") && !damaged);
	if (newest !== undefined) return newest.id;
	throw new OperationError("archive-not-found", `${resource} has no verified archive that could be drilled`, {
		hint: all.length === 0 ? "back it up first" : "verify one first, or name the one to drill",
	});
}

/** The archive, its small files proven; what is wrong with it is recorded. */
export async function findOwn(
	archive: ArchiveId,
	{ resource, context: { archives } }: { readonly resource: ResourceId; readonly context: OperationContext },
): Promise<FoundArchive> {
	const found = await archives.find(archive);
	if (found.manifest.resource !== resource) {
		throw new OperationError(
			"archive-foreign",
			`archive ${archive} is of ${found.manifest.resource}, not of ${resource}`,
		);
	}
	try {
		return await archives.findSound(archive);
	} catch (error) {
		if (error instanceof OperationError && error.code === "archive-corrupt") {
			await archives.recordDamage(archive, error.message);
		}
		throw error;
	}
}
