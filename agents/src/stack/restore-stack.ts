import { rm } from "node:fs/promises";
import {
	Instant,
	instantOf,
	OperationError,
	type PlanAction,
	type ProjectName,
	type RestoreResult,
	resourceId,
} from "@davit/protocol";
import { z } from "zod";
import type { Operation, OperationContext, Outcome, Reading, Step } from "../operation.ts";
import { createStep } from "../resource/create-step.ts";
import { makeSteps } from "../resource/make-steps.ts";
import { openHands } from "../resource/open-hands.ts";
import { keptFolder } from "../resource/place.ts";
import { rememberPlan, requireSamePlan } from "../resource/remember-plans.ts";
import { measureDowntime, putInPlaceStep, type SwapFacts, setAsideStep } from "../resource/swap-steps.ts";
import { downtimeOf, type WriterSteps, writerSteps } from "../resource/writer-steps.ts";
import { foldersStep, swapFilesStep, unpackFilesStep } from "./file-steps.ts";
import { partsOf } from "./find-coming.ts";
import { healthStep, imagesStep, networksStep, reviveStep, upStep } from "./project-steps.ts";
import { surveyStack } from "./survey-stack.ts";
import { incomingFiles, type KeptStack, keptFiles, type StackSwap } from "./swap-facts.ts";

type Outputs = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** Says what a restore or an undo of a stack would do. What stands against it is part of the answer. */
export const planStack: Reading<"stack.plan"> = {
	async read(params, context, signal) {
		const { plan } = await surveyStack(params.stack, params.action, { context, signal });
		rememberPlan(plan);
		return { state: "succeeded", result: plan };
	},
};

/**
 * Brings a Compose project back as an archive has it, on a host that still has it or has nothing of it. What was there is kept for an
 * undo. Until all its containers are healthy every failure leads back to what was.
 */
export const restoreStack: Operation<"stack.restore", StackSwap> = {
	prepare: ({ stack, archive, plan }, context, signal) =>
		prepareSwap({ stack, action: { action: "restore", archive }, digest: plan }, context, signal),
	steps: stackSwapSteps,
	result: swapResult,
};

/** Puts back what the newest restore of a stack set aside. */
export const undoStack: Operation<"stack.undo", StackSwap> = {
	prepare: ({ stack, plan }, context, signal) =>
		prepareSwap({ stack, action: { action: "undo" }, digest: plan }, context, signal),
	steps: stackSwapSteps,
	result: swapResult,
};

interface Wanted {
	readonly stack: ProjectName;
	readonly action: PlanAction;
	/** Of the plan that a person saw. */
	readonly digest: string;
}

async function prepareSwap(
	{ stack, action, digest }: Wanted,
	context: OperationContext,
	signal: AbortSignal,
): Promise<StackSwap> {
	await context.hold(await partsOf(resourceId({ kind: "stack", stack }), action, context));
	const { plan, facts, blockers } = await surveyStack(stack, action, { context, signal });
	const [blocker] = blockers;
	if (blocker !== undefined) throw blocker;
	requireSamePlan(digest, plan);
	return { ...facts, command: context.command, startedAtMs: context.now() };
}

/** Prepare beside what is there; then stop, swap every part and file, have Compose start it, and wait for its health. */
function stackSwapSteps(facts: StackSwap, context: OperationContext): readonly Step[] {
	const { parts, undoes, treated, startedAtMs } = facts;
	const [first, ...others] = parts.map(({ place }) => place);
	const writers: WriterSteps =
		first === undefined
			? { quiesce: [], resume: [] }
			: writerSteps({ place: first, others, treated, startedAtMs }, context);
	const [notice, resume] = writers.resume;
	return [
		foldersStep(facts),
		...(undoes === undefined ? [unpackFilesStep(facts, context)] : []),
		...parts.flatMap((part) => prepareSteps(part, context)),
		...(facts.images.length === 0 ? [] : [imagesStep(facts, context)]),
		...(facts.networks.length === 0 ? [] : [networksStep(facts, context)]),
		reviveStep(facts, context),
		...writers.quiesce,
		...parts.flatMap((part) => swapSteps(part, context)),
		swapFilesStep(facts, context),
		...(notice === undefined ? [] : [notice]),
		upStep(facts, context),
		...(resume === undefined ? [] : [resume]),
		healthStep(facts, context),
		keepUndoStep(facts, context),
	];
}

function prepareSteps(part: SwapFacts, context: OperationContext): Step[] {
	const steps = [
		...(part.place.exists ? [] : [createStep(part, context)]),
		...(part.undoes === undefined ? makeSteps(part, context) : []),
	];
	return steps.map((step) => nameAfter(step, part));
}

function swapSteps(part: SwapFacts, context: OperationContext): Step[] {
	const swap = swapOf(part, context);
	const setAside = setAsideStep(swap, part, context);
	const { commits: _last, ...putInPlace } = putInPlaceStep(swap, part, context);
	const undo = () => openHands(part, context).undo({ kind: "take-back", swap });
	return [nameAfter(setAside, part), nameAfter({ ...putInPlace, undo }, part)];
}

function swapOf({ place, incoming, kept }: SwapFacts, { command }: OperationContext) {
	return { folder: place.folder, incoming, kept: kept ?? keptFolder(place, command) };
}

/** A journal tells steps apart by their names. */
function nameAfter(step: Step, { place }: SwapFacts): Step {
	return { ...step, name: `${step.name} ${place.resource}` };
}

function keepUndoStep(facts: StackSwap, context: OperationContext): Step {
	const { command, undoPoints, config, now } = context;
	const { resource, archive, parts, project, paths, undoes, treated, wasUp } = facts;
	return {
		name: "keep-undo",
		intent: { parts: parts.map((part) => swapOf(part, context).kept) },
		async run(signal) {
			const folders = parts.map((part) => ({
				resource: part.place.resource,
				folder: swapOf(part, context).kept,
				dataPath: part.dataPath,
			}));
			const stack: KeptStack = {
				kept: [...folders, { folder: keptFiles(config, command), dataPath: "host-path" }],
				...{ project, paths, wasUp, setAsideAt: instantOf(facts.startedAtMs) },
				downtimeSeconds: await measureDowntime(treated, context, signal),
			};
			const until = undoPoints.keep({
				...{ command, archive, resource, forMs: config.undoSeconds * 1000 },
				place: { stack, downtimeSeconds: stack.downtimeSeconds },
			});
			await rm(incomingFiles(config, command), { recursive: true, force: true });
			if (undoes !== undefined) {
				undoPoints.drop(undoes);
				await rm(keptFiles(config, undoes), { recursive: true, force: true });
			}
			return { until, atMs: now() };
		},
		// Never complete: done again it does no harm, and the result needs what it says.
		probe: async () => (undoPoints.of(resource)?.command === command ? "partial" : "absent"),
		undo: async () => undoPoints.drop(command),
	};
}

const Kept = z.object({ until: Instant, atMs: z.number() });
const Losses = z.object({ losses: z.array(z.string()) });
const Noticed = z.object({ warnings: z.array(z.string()) });

function swapResult(
	facts: StackSwap,
	outputs: Outputs,
): { readonly state: Outcome<"stack.restore">["state"]; readonly result: RestoreResult } {
	const kept = Kept.safeParse(outputs.get("keep-undo"));
	if (!kept.success) throw new OperationError("internal-error", "a swap ended without keeping its undo");
	const { archive, command, startedAtMs, counts } = facts;
	const noticed = Noticed.safeParse(outputs.get("notice"));
	const losses = facts.parts.flatMap(({ place: { resource } }) => {
		const unpacked = Losses.safeParse(outputs.get(`unpack ${resource}`));
		return unpacked.success ? unpacked.data.losses.map((loss) => `${resource}: ${loss}`) : [];
	});
	const warnings = [...(noticed.success ? noticed.data.warnings : []), ...losses].slice(0, 50);
	const result: RestoreResult = {
		...{ archive, ...counts, downtimeMs: downtimeOf(outputs) },
		durationMs: Math.max(0, Math.round(kept.data.atMs - startedAtMs)),
		...{ undoUntil: kept.data.until, undo: command },
		...(warnings.length === 0 ? {} : { warnings }),
	};
	return { state: warnings.length === 0 ? "succeeded" : "partial", result };
}
