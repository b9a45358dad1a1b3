import type { OperationContext, StepPresence } from "../operation.ts";
import type { Sight } from "./look-at-place.ts";
import type { PlaceJob } from "./place-job.ts";
import { type Reach, type Reached, reachOf } from "./reach-place.ts";

/** How long one look may take, the making of a helper container and its image included. */
const lookMs = 5 * 60_000;
const undoMs = 15 * 60_000;

/** What the steps of a swap do to a place's folders; what no signal bounds has a deadline of its own. */
export interface Hands extends Reach {
	look(folder: string): Promise<Sight>;
	probe(job: Extract<PlaceJob, { kind: "is-set-aside" | "is-in-place" }>): Promise<StepPresence>;
	undo(job: Extract<PlaceJob, { kind: "remove" | "bring-forward" | "take-back" }>): Promise<void>;
}

export function openHands(facts: Reached, context: OperationContext): Hands {
	const reach = reachOf(facts, context);
	return {
		do: (job, watching) => reach.do(job, watching),
		look: (folder) => reach.do({ kind: "look", folder }, { signal: AbortSignal.timeout(lookMs) }),
		probe: (job) => reach.do(job, { signal: AbortSignal.timeout(lookMs) }),
		undo: async (job) => void (await reach.do(job, { signal: AbortSignal.timeout(undoMs) })),
	};
}
