import {
	type CommandId,
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
 * Replaces a resource's content by an archive's. The old content is kept beside it; containers that use it are stopped and brought
 * back. Before the commit point every failure leads back to what was.
 */
export const restore: Operation<"volume.restore" | "path.restore", Facts> = {
	prepare(params, context, signal) {
		const action = { action: "restore", archive: params.archive } as const;
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
	return {
		...{
			command: context.command,
			place: located.place,
			dataPath: located.dataPath,
			archive: source.archive,
			treated,
			labels: source.labels,
		},
		incoming: kept?.folder ?? newFolder(located.place, context.command),
		...(kept === undefined ? {} : { undoes: kept.command }),
		...{ replaced: plan.replaces, added: plan.adds, removed: plan.removes },
		startedAtMs: context.now(),
	};
}

type Swapped = { readonly state: Outcome<"volume.restore">["state"]; readonly result: RestoreResult };

const Kept = z.object({ until: Instant, atMs: z.number() });
const Unpacked = z.object({ losses: z.array(z.string()) });

function swapResult(facts: Facts, outputs: Outputs): Swapped {
	const kept = Kept.safeParse(outputs.get("keep-undo"));
	if (!kept.success) throw new OperationError("internal-error", "a swap ended without keeping its undo");
	const losses = Unpacked.safeParse(outputs.get("unpack"));
	const warnings = [...warningsOf(outputs), ...(losses.success ? losses.data.losses : [])].slice(0, 50);
	const { replaced, added, removed, archive, command, startedAtMs } = facts;
	const result: RestoreResult = {
		...{ archive, replaced, added, removed, downtimeMs: downtimeOf(outputs) },
		durationMs: Math.max(0, Math.round(kept.data.atMs - startedAtMs)),
		...{ undoUntil: kept.data.until, undo: command },
		...(warnings.length === 0 ? {} : { warnings }),
	};
	return { state: warnings.length === 0 ? "succeeded" : "partial", result };
}
