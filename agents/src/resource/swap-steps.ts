import { type ArchiveId, type CommandId, type Instant, instantOf } from "@davit/protocol";
import { requireEngine } from "../docker/require-engine.ts";
import type { Choice } from "../files/job.ts";
import type { OperationContext, Step } from "../operation.ts";
import { createStep } from "./create-step.ts";
import { makeSteps, settleStep } from "./make-steps.ts";
import { openHands } from "./open-hands.ts";
import { keptFolder, type Place } from "./place.ts";
import type { Treated } from "./plan-treatment.ts";
import type { DataPath } from "./reach-place.ts";
import { refuseHolders } from "./refuse-holders.ts";
import type { Swap } from "./swap-folders.ts";
import { writerSteps } from "./writer-steps.ts";

/** Everything a swap needs to know, now or after a crash. */
export type SwapFacts = {
	readonly place: Place;
	/** How its folders are reached, from the first step to the last. */
	readonly dataPath: DataPath;
	readonly archive: ArchiveId;
	readonly startedAtMs: number;
	readonly treated: readonly Treated[];
	/** What will be in place: made by `unpack`, or kept by an earlier swap. */
	readonly incoming: string;
	/** What of the archive is put over the present data; absent = all of it takes its place. */
	readonly choice?: Choice;
	/** It is restored under a new name, so nothing is replaced. */
	readonly isNew?: boolean;
	/** Of a part of a stack's archive: its folder in there. */
	readonly part?: string;
	/** Where a stack sets a part aside: two of its parts may lie side by side. */
	readonly kept?: string;
	/** Of an undo: the swap whose kept data comes back. */
	readonly undoes?: CommandId;
	/** Of a deleted volume: what it is made again with. */
	readonly labels: Readonly<Record<string, string>>;
	readonly replaced: number;
	readonly added: number;
	readonly removed: number;
};

/** The steps of a restore (with `unpack`) and of an undo (without). Until the new data is in place each leads back. */
export function swapSteps(facts: SwapFacts, context: OperationContext): readonly Step[] {
	const { place, incoming } = facts;
	const swap: Swap = { folder: place.folder, incoming, kept: keptFolder(place, context.command) };
	const create = place.exists ? [] : [createStep(facts, context)];
	if (facts.isNew === true) {
		const isVolume = place.resource.startsWith("volume:");
		return [...(isVolume ? create : []), ...makeSteps(facts, context), settleStep(swap, facts, context)];
	}
	const writers = writerSteps(facts, context);
	const make = facts.undoes === undefined ? makeSteps(facts, context) : [];
	return [
		...create,
		// What is chosen of an archive goes over the present data, in which nothing may move any more.
		...(facts.choice === undefined ? [...make, ...writers.quiesce] : [...writers.quiesce, ...make]),
		setAsideStep(swap, facts, context),
		putInPlaceStep(swap, facts, context),
		...writers.resume,
		keepUndoStep(swap, facts, context),
	];
}

export function setAsideStep(swap: Swap, facts: SwapFacts, context: OperationContext): Step {
	const hands = openHands(facts, context);
	return {
		name: "set-aside",
		intent: { from: swap.folder, to: swap.kept },
		async run(signal) {
			await refuseHolders(facts, { engine: context.engine, signal });
			await hands.do({ kind: "set-aside", swap }, { signal });
			return { at: instantOf(context.now()) };
		},
		probe: () => hands.probe({ kind: "is-set-aside", swap }),
		undo: () => hands.undo({ kind: "bring-forward", swap }),
	};
}

export function putInPlaceStep(swap: Swap, facts: SwapFacts, context: OperationContext): Step {
	const hands = openHands(facts, context);
	return {
		name: "put-in-place",
		intent: { from: swap.incoming, to: swap.folder },
		commits: true,
		async run(signal) {
			await refuseHolders(facts, { engine: context.engine, signal });
			await hands.do({ kind: "put-in-place", swap }, { signal });
			return undefined;
		},
		probe: () => hands.probe({ kind: "is-in-place", swap }),
		// It is one rename: what did not happen needs no undoing, and what happened commits.
		undo: async () => undefined,
	};
}

function keepUndoStep(swap: Swap, facts: SwapFacts, context: OperationContext): Step {
	const { command, undoPoints, config, now } = context;
	const { place, archive, treated, undoes, dataPath } = facts;
	return {
		name: "keep-undo",
		intent: { folder: swap.kept },
		async run(signal) {
			const { changedAtMs } = await openHands(facts, context).look(swap.kept);
			const setAsideAt: Instant = instantOf(changedAtMs ?? now());
			const downtimeSeconds = await measureDowntime(treated, context, signal);
			const until = undoPoints.keep({
				...{ command, archive, resource: place.resource, forMs: config.undoSeconds * 1000 },
				place: { folder: swap.kept, setAsideAt, downtimeSeconds, dataPath },
			});
			if (undoes !== undefined) undoPoints.drop(undoes);
			return { until, atMs: now() };
		},
		// Never complete: done again it does no harm, and the result needs what it says.
		probe: async () => (undoPoints.of(place.resource)?.command === command ? "partial" : "absent"),
		undo: async () => undoPoints.drop(command),
	};
}

/** By the engine's own clock: from the end of each container to its start. */
export async function measureDowntime(
	treated: readonly Treated[],
	context: OperationContext,
	signal: AbortSignal,
): Promise<number> {
	if (treated.length === 0) return 0;
	const engine = await requireEngine(context, signal);
	let longestMs = 0;
	for (const { id } of treated) {
		const found = await engine.container(id, signal);
		if (found === undefined) continue;
		longestMs = Math.max(longestMs, Date.parse(found.startedAt) - Date.parse(found.finishedAt));
	}
	return Math.round(longestMs / 100) / 10;
}
