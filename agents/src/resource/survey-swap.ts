import { createHash } from "node:crypto";
import { dirname } from "node:path";
import {
	Bytes,
	failureReport,
	OperationError,
	type PlanAction,
	type PlanFacts,
	type ResourceId,
	Sha256,
} from "@davit/protocol";
import type { FileJob, TreeComparison } from "../files/job.ts";
import type { OperationContext } from "../operation.ts";
import { lackOfSpace } from "./check-space.ts";
import { findSource, type Source } from "./find-source.ts";
import { findUsersNow } from "./find-users.ts";
import { type Located, locate } from "./locate.ts";
import { affectedContainers, planForSwap, type Treated } from "./plan-treatment.ts";
import { reachOf } from "./reach-place.ts";

export interface Survey {
	readonly plan: PlanFacts;
	readonly located: Located;
	readonly source: Source;
	readonly treated: readonly Treated[];
	/** Why it cannot run now, as it would be thrown. */
	readonly blockers: readonly OperationError[];
}

/**
 * Finds out all that a restore or an undo would do, and does nothing.
 * @throws OperationError archive-not-found | archive-foreign | archive-corrupt | undo-not-found | path-not-allowed | docker-unreachable
 */
export async function surveySwap(
	resource: ResourceId,
	action: PlanAction,
	{ context, signal }: { readonly context: OperationContext; readonly signal: AbortSignal },
): Promise<Survey> {
	const located = await locate(resource, context, signal);
	const source = await findSource(located, action, { context, signal });
	const blockers = [...swapBlockers(located)];
	const comparison = await compare(located, source, { context, signal });
	const space = spaceOf(located, source, context);
	if (space.lack !== undefined) blockers.push(space.lack);
	// The states of containers move fastest, so they are looked at last.
	const treated = await planUsers(located, { context, signal, blockers });
	const { replaces, adds, removes, examples } = comparison;
	const certain = {
		...{ resource, action: action.action, archive: source.archive, identity: source.identity },
		...{
			stops: affectedContainers(treated),
			target: located.sight.identity ?? "missing",
			replaces,
			adds,
			removes,
		},
	};
	const downtimeSeconds = context.undoPoints.of(resource)?.place["downtimeSeconds"];
	const plan: PlanFacts = {
		...{ resource, action: action.action, archive: source.archive, contentAt: source.contentAt },
		...{ stops: certain.stops, replaces, adds, removes },
		examples: { replaces: [...examples.replaces], adds: [...examples.adds], removes: [...examples.removes] },
		needsBytes: Bytes.parse(source.needBytes),
		freeBytes: Bytes.parse(space.freeBytes),
		...(typeof downtimeSeconds === "number" ? { downtimeSeconds } : {}),
		undoSeconds: context.config.undoSeconds,
		blockers: blockers.map(failureReport),
		digest: Sha256.parse(createHash("sha256").update(JSON.stringify(certain)).digest("hex")),
	};
	return { plan, located, source, treated, blockers };
}

function swapBlockers({ place, whyNoSwap }: Located): readonly OperationError[] {
	if (whyNoSwap === undefined) return [];
	return [
		new OperationError("unsupported", `${place.resource} cannot be replaced as a whole: ${whyNoSwap}`, {
			hint: "unpack the archive by hand: RESTORE.md in its folder says how",
		}),
	];
}

async function planUsers(
	{ place }: Located,
	{
		context,
		signal,
		blockers,
	}: {
		readonly context: OperationContext;
		readonly signal: AbortSignal;
		readonly blockers: OperationError[];
	},
): Promise<readonly Treated[]> {
	const { engine } = context;
	if (engine === undefined) return [];
	try {
		return await planForSwap(await findUsersNow(place, engine, signal), { engine, signal });
	} catch (error) {
		if (!(error instanceof OperationError) || error.code !== "resource-in-use") throw error;
		blockers.push(error);
		return [];
	}
}

async function compare(
	located: Located,
	source: Source,
	{ context, signal }: { readonly context: OperationContext; readonly signal: AbortSignal },
): Promise<TreeComparison> {
	const { place, sight, dataPath } = located;
	const examples = { replaces: [], adds: [], removes: [] };
	// What is not a folder of this host cannot be swapped, and a blocker says so.
	if (dataPath === "archive-api") return { replaces: 0, adds: 0, removes: 0, sameEntries: 0, examples };
	if (!place.exists || sight.identity === undefined) {
		return { replaces: 0, adds: source.entries, removes: 0, sameEntries: 0, examples };
	}
	const job = { kind: "compare", wanted: source.wanted, root: place.folder } as const satisfies FileJob;
	return reachOf(located, context).do(job, { signal });
}

function spaceOf(
	{ place, sight: { freeBytes } }: Located,
	source: Source,
	{ config }: OperationContext,
): { readonly freeBytes: number; readonly lack: OperationError | undefined } {
	const lack = lackOfSpace({
		...{ what: `the restored data of ${place.resource}`, path: dirname(place.folder), freeBytes },
		needBytes: source.needBytes,
		// A rename needs no room, so an undo may always run.
		reserveBytes: source.needBytes === 0 ? 0 : config.minimumFreeBytes,
	});
	return { freeBytes, lack };
}
