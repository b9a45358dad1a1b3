import {
	type CommandId,
	choiceIn,
	Instant,
	OperationError,
	type PlanAction,
	type ResourceId,
	type RestoreResult,
	resourceOf,
} from "@davit/protocol";
import { z } from "zod";
import type { Operation, OperationContext, Outcome } from "../operation.ts";
import { newFolder } from "./place.ts";
import { requireSamePlan } from "./remember-plans.ts";
import { surveySwap } from "./survey-swap.ts";
import { type SwapFacts, swapSteps } from "./swap-steps.ts";
import { downtimeOf, warningsOf } from "./writer-steps.ts";

type Outputs = ReadonlyMap<string, Readonly<Record<string, unknown>>>;
type Facts = SwapFacts & { readonly command: CommandId };

/**
 * Replaces a resource's content by an archive's, or by what was chosen of it. The old content is kept beside it; containers that use
 * it are stopped and brought back. Before the commit point every failure leads back to what was. Under a new name nothing is
 * replaced.
 */
export const restore: Operation<"volume.restore" | "path.restore", Facts> = {
	prepare(params, context, signal) {
		const action = { action: "restore", archive: params.archive, ...choiceIn(params) } as const;
		return prepareSwap({ resource: resourceOf(params), action, digest: params.plan }, context, signal);
	},
	steps: swapSteps,
	result: swapResult,
};

/** Puts back what the newest restore set aside; what it replaces is kept in turn. */
export const undo: Operation<"volume.undo" | "path.undo", Facts> = {
	prepare(params, context, signal) {
		const wanted = { resource: resourceOf(params), action: { action: "undo" }, digest: params.plan } as const;
		return prepareSwap(wanted, context, signal);
	},
	steps: swapSteps,
	result: swapResult,
};

interface Wanted {
	readonly resource: ResourceId;
	readonly action: PlanAction;
	/** Of the plan that a person saw. */
	readonly digest: string;
}

async function prepareSwap(
	{ resource, action, digest }: Wanted,
	context: OperationContext,
	signal: AbortSignal,
): Promise<Facts> {
	const { plan, located, source, treated, blockers } = await surveySwap(resource, action, {
		context,
		signal,
	});
	const [blocker] = blockers;
	if (blocker !== undefined) throw blocker;
	requireSamePlan(digest, plan);
	const { kept } = source;
	const { paths, merge, as } = plan.choice ?? {};
	const choice = { ...(paths === undefined ? {} : { paths }), ...(merge === undefined ? {} : { merge }) };
	return {
		...{
			command: context.command,
			place: located.place,
			dataPath: located.dataPath,
			archive: source.archive,
			treated,
			// A copy is no part of the project that the original belongs to.
			labels: as === undefined ? source.labels : {},
		},
		incoming: kept?.folder ?? newFolder(located.place, context.command),
		...(kept === undefined ? {} : { undoes: kept.command }),
		...(paths === undefined && merge === undefined ? {} : { choice }),
		...(as === undefined ? {} : { isNew: true }),
		...{ replaced: plan.replaces, added: plan.adds, removed: plan.removes },
		startedAtMs: context.now(),
	};
}

type Swapped = { readonly state: Outcome<"volume.restore">["state"]; readonly result: RestoreResult };

const Kept = z.object({ until: Instant, atMs: z.number() });
const Made = z.object({ losses: z.array(z.string()) });
const Settled = z.object({ atMs: z.number() });

function swapResult(facts: Facts, outputs: Outputs): Swapped {
	const made = Made.safeParse(outputs.get("unpack") ?? outputs.get("compose"));
	const warnings = [...warningsOf(outputs), ...(made.success ? made.data.losses : [])].slice(0, 50);
	const { replaced, added, removed, archive, startedAtMs } = facts;
	const { atMs, ...ending } = endingOf(facts, outputs);
	const result: RestoreResult = {
		...{ archive, replaced, added, removed, downtimeMs: downtimeOf(outputs) },
		durationMs: Math.max(0, Math.round(atMs - startedAtMs)),
		...ending,
		...(warnings.length === 0 ? {} : { warnings }),
	};
	return { state: warnings.length === 0 ? "succeeded" : "partial", result };
}

function endingOf(
	{ command, isNew, place, startedAtMs }: Facts,
	outputs: Outputs,
): Pick<RestoreResult, "undo" | "undoUntil" | "as"> & { readonly atMs: number } {
	if (isNew === true) {
		// A crash may have hidden when it was.
		const settled = Settled.safeParse(outputs.get("settle"));
		return { as: place.resource, atMs: settled.success ? settled.data.atMs : startedAtMs };
	}
	const kept = Kept.safeParse(outputs.get("keep-undo"));
	if (!kept.success) throw new OperationError("internal-error", "a swap ended without keeping its undo");
	return { undo: command, undoUntil: kept.data.until, atMs: kept.data.atMs };
}
