import { dirname, join } from "node:path";
import { type Bytes, type CommandId, OperationError } from "@davit/protocol";
import { z } from "zod";
import type { CopiedTree } from "../files/job.ts";
import type { OperationContext, Step } from "../operation.ts";
import { keepOutput, type Outputs } from "../resource/archive-steps.ts";
import { createStep } from "../resource/create-step.ts";
import { type HookFacts, hookSteps } from "../resource/hook-steps.ts";
import type { Located } from "../resource/locate.ts";
import type { WriterFacts } from "../resource/look-at-writers.ts";
import { openHands } from "../resource/open-hands.ts";
import type { Place } from "../resource/place.ts";
import { showProgress } from "../resource/show-progress.ts";
import { type SnapshotFacts, snapshotOf, snapshotSteps } from "../resource/snapshot-steps.ts";
import { writerStepsOfCopy } from "../resource/writer-steps.ts";

/** Everything the copy of a volume needs to know, now or after a crash. */
export type CopyFacts = Located &
	SnapshotFacts &
	HookFacts &
	WriterFacts & {
		/** The new volume's. */
		readonly target: Place;
		/** Of the original's files, when it was measured. */
		readonly contentBytes: Bytes;
		readonly command: CommandId;
	};

const Lines = z.array(z.string());
export const Copied = z.object({
	entries: z.int(),
	contentBytes: z.int(),
	sharedBytes: z.int(),
	sockets: z.int(),
	losses: Lines,
	warnings: Lines,
});
export const Settled = z.object({ atMs: z.number() });

interface Found {
	tree?: CopiedTree;
}

/** Create, quiesce, copy, resume, check, settle: writers wait for the copy only, and where there is a snapshot for that only. */
export function copySteps(facts: CopyFacts, context: OperationContext): readonly Step[] {
	// Up to the commit point one life of the agent runs all steps, so later ones may read what earlier ones found.
	const outputs = new Map<string, Readonly<Record<string, unknown>>>();
	const found: Found = {};
	const into = { place: facts.target, dataPath: facts.dataPath };
	// A copy is no part of the project that the original belongs to.
	const create = createStep({ ...into, labels: {} }, context);
	const copy = copyStep(facts, context, { found, outputs, create });
	const writers = writerStepsOfCopy(facts, context);
	const snapshot = snapshotSteps(facts, context, copy);
	const hooks = hookSteps(facts, context);
	const back = [...writers.resume, ...hooks.after];
	const steps = [
		create,
		...hooks.before,
		...writers.quiesce,
		...(snapshot === undefined ? [copy, ...back] : [snapshot.take, ...back, copy, snapshot.drop]),
		checkStep(facts, context, found),
		settleStep(facts, context),
	];
	return steps.map((step) => ({ ...step, run: (signal) => keepOutput(step, outputs, signal) }));
}

interface Copying {
	readonly found: Found;
	readonly outputs: Outputs;
	readonly create: Step;
}

function copyStep(facts: CopyFacts, context: OperationContext, { found, outputs, create }: Copying): Step {
	const { place, target, snapshot, contentBytes } = facts;
	const hands = handsOn(facts, context);
	const listed = listFolder(facts);
	return {
		name: "copy",
		intent: { from: place.folder, into: target.folder },
		async run(signal) {
			if (found.tree !== undefined) return tellCopied(found.tree);
			const root = snapshotOf(outputs).isTaken ? snapshot?.root : undefined;
			const job = { root: root ?? place.folder, target: target.folder, listed, totalBytes: contentBytes };
			const onProgress = showProgress("copy", context);
			found.tree = await hands.do({ kind: "copy", ...job }, { signal, onProgress });
			return tellCopied(found.tree);
		},
		probe: async () => ((await hands.look(listed)).identity === undefined ? "absent" : "partial"),
		async undo() {
			// Where the volume is somebody else's by now, so is all that is in it.
			if ((await create.probe()) !== "complete") return;
			await hands.undo({ kind: "remove", folder: listed });
			await hands.undo({ kind: "remove", folder: target.folder });
		},
	};
}

function tellCopied({ losses, warnings, ...counts }: CopiedTree): z.infer<typeof Copied> {
	return { ...counts, losses: losses.slice(0, 50), warnings: warnings.slice(0, 50) };
}

/** What is in the new volume, read back from the disk, against what was read of the original: that has moved on by now. */
function checkStep(facts: CopyFacts, context: OperationContext, found: Found): Step {
	const { place, target } = facts;
	const listed = listFolder(facts);
	return {
		name: "check",
		intent: { folder: target.folder },
		async run(signal) {
			const losses = found.tree?.losses ?? [];
			const job = { kind: "compare", wanted: { listed }, root: target.folder, exact: true } as const;
			const { replaces, adds, removes, examples } = await handsOn(facts, context).do(
				{ ...job, withoutAttributes: losses.length > 0 },
				{ signal, onProgress: showProgress("check", context) },
			);
			const count = replaces + adds + removes;
			if (count === 0) return undefined;
			const [first] = [...examples.replaces, ...examples.adds, ...examples.removes];
			const lost = losses.length === 0 ? "" : `; not copied were ${losses.slice(0, 3).join("; ")}`;
			throw new OperationError(
				"copy-inexact",
				`the copy of ${place.resource} differs from what was read of it in ${count} entries, first ${first}${lost}`,
			);
		},
		probe: async () => "absent",
		undo: async () => undefined,
	};
}

/** Takes away the list that was only for the check: without it the copy is done. */
function settleStep(facts: CopyFacts, context: OperationContext): Step {
	const hands = handsOn(facts, context);
	const folder = listFolder(facts);
	return {
		name: "settle",
		intent: { folder },
		commits: true,
		async run(signal) {
			await hands.do({ kind: "remove", folder }, { signal });
			return { atMs: context.now() };
		},
		probe: async () => ((await hands.look(folder)).identity === undefined ? "complete" : "absent"),
		undo: async () => undefined,
	};
}

/** Its volume exists by the time that anything is done there. */
function handsOn({ target, dataPath }: CopyFacts, context: OperationContext) {
	return openHands({ place: { ...target, exists: true }, dataPath }, context);
}

/** Beside the new volume's data, so that it goes with it. */
function listFolder({ target, command }: Pick<CopyFacts, "target" | "command">): string {
	return join(dirname(target.folder), `.davit-copy-${command}`);
}
