import {
	type ArchiveId,
	ArchiveId as archiveId,
	chooseKept,
	graceMsOf,
	type Instant,
	instantOf,
	type PruneResult,
	policyOfKeepLast,
	type ResourceId,
	type RetentionPolicy,
	resourceOf,
	turnRetention,
} from "@davit/protocol";
import { withKept, withoutArchive, withoutMark } from "../archives/keep-records.ts";
import type { Operation, OperationContext, Step } from "../operation.ts";
import { forgetStored } from "./forget-stored.ts";
import { holdOf } from "./judge-hold.ts";

type PruneFacts = {
	readonly resource: ResourceId;
	readonly unmark: readonly ArchiveId[];
	readonly mark: readonly ArchiveId[];
	readonly remove: readonly ArchiveId[];
	readonly servedMs: number;
	readonly markedAt: Instant;
	readonly goesAt: Instant;
	readonly result: PruneResult;
};

/**
 * A turn of retention: what the policy keeps again loses its mark, what it does not keep is marked, what was marked a grace ago
 * goes, oldest first. Killed anywhere, another turn finds the same and goes on.
 */
export const prune: Operation<"volume.prune" | "path.prune" | "stack.prune", PruneFacts> = {
	async prepare(params, { archives, now, config }) {
		const resource = resourceOf(params);
		const policy: RetentionPolicy = params.policy ?? policyOfKeepLast(params.keepLast ?? 1);
		const all = await archives.list(resource);
		const keeping = await archives.records.read(resource);
		const hold = holdOf(all, keeping, config);
		const decisions = chooseKept(all, policy, { nowMs: now(), isHeld: hold !== undefined });
		const servedMs = archives.records.servedMs();
		const marks = new Map(
			Object.entries(keeping.archives).flatMap(([id, { mark }]) =>
				mark === undefined ? [] : [[id, mark.servedMs] as const],
			),
		);
		const turn = turnRetention(decisions, marks, { policy, servedMs });
		const remove = idsOf(turn.remove);
		const marked = decisions.filter(({ isKept }) => !isKept).map(({ archive }) => archive.id);
		const waiting = marked.filter((id) => !remove.includes(id)).reverse();
		const goesAt = instantOf(now() + graceMsOf(policy));
		return {
			...{ resource, unmark: idsOf(turn.unmark), mark: idsOf(turn.mark), remove },
			...{ servedMs, markedAt: instantOf(now()), goesAt },
			result: {
				...{ removed: remove, kept: decisions.length - marked.length },
				...(waiting.length === 0 ? {} : { marked: waiting }),
				...(turn.mark.some((id) => !turn.remove.includes(id)) ? { goesAt } : {}),
				...(hold === undefined ? {} : { heldBecause: hold.because }),
			},
		};
	},
	steps: (facts, context) => [
		keepAgain(facts, context),
		markStep(facts, context),
		removeStep(facts, context),
	],
	result: ({ result }) => ({ state: "succeeded", result }),
};

function keepAgain({ resource, unmark }: PruneFacts, { archives: { records } }: OperationContext): Step {
	return {
		name: "keep-again",
		intent: { archives: unmark },
		async run() {
			if (unmark.length === 0) return undefined;
			await records.change(resource, (keeping) =>
				unmark.reduce((changed, archive) => withKept(changed, archive, withoutMark), keeping),
			);
			return undefined;
		},
		async probe() {
			const { archives } = await records.read(resource);
			return unmark.some((archive) => archives[archive]?.mark !== undefined) ? "absent" : "complete";
		},
		// That they stay does no harm; the next turn marks them again if they are to go.
		undo: async () => undefined,
	};
}

function markStep(facts: PruneFacts, { archives: { records } }: OperationContext): Step {
	const { resource, mark: archives, servedMs, markedAt, goesAt } = facts;
	return {
		name: "mark",
		intent: { archives, goesAt },
		async run() {
			if (archives.length === 0) return undefined;
			// Or a crash would make the grace longer by what was served until now.
			await records.saveServed();
			const mark = { markedAt, servedMs, goesAt };
			await records.change(resource, (keeping) =>
				archives.reduce(
					(changed, archive) => withKept(changed, archive, (kept) => ({ mark, ...kept })),
					keeping,
				),
			);
			return undefined;
		},
		async probe() {
			const keeping = await records.read(resource);
			const marked = archives.filter((archive) => keeping.archives[archive]?.mark !== undefined);
			return marked.length === archives.length ? "complete" : "absent";
		},
		async undo() {
			if (archives.length === 0) return;
			await records.change(resource, (keeping) =>
				archives.reduce((changed, archive) => withKept(changed, archive, withoutMark), keeping),
			);
		},
	};
}

function removeStep({ resource, remove }: PruneFacts, context: OperationContext): Step {
	const { archives } = context;
	return {
		name: "remove",
		intent: { archives: remove },
		commits: true,
		async run(signal) {
			for (const archive of remove) {
				signal.throwIfAborted();
				await forgetStored(archive, context, signal);
				await archives.remove(archive);
				await archives.records.change(resource, (keeping) => withoutArchive(keeping, archive));
			}
			return undefined;
		},
		// Removing what is gone does no harm, so an interrupted one may simply be asked for again.
		probe: async () => "absent",
		undo: async () => undefined,
	};
}

function idsOf(ids: readonly string[]): ArchiveId[] {
	return ids.map((id) => archiveId.parse(id));
}
