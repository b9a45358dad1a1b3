import { join } from "node:path";
import { type ArchiveId, Instant, instantOf, OperationError } from "@davit/protocol";
import { z } from "zod";
import type { TreeComparison } from "../files/job.ts";
import type { OperationContext, Step } from "../operation.ts";
import { removeBeside } from "../restic/restore-tree.ts";
import { createStep } from "./create-step.ts";
import { openHands } from "./open-hands.ts";
import type { Reached } from "./reach-place.ts";
import { restoreFromRepository } from "./restore-from-repository.ts";
import { showProgress } from "./show-progress.ts";

/** Everything a drill needs to know, now or after a crash. */
export type DrillFacts = Pick<Reached, "place" | "dataPath"> & {
	readonly archive: ArchiveId;
	/** Of a part of a stack's archive: its folder in there. */
	readonly part?: string;
	readonly labels: Readonly<Record<string, string>>;
	readonly entries: number;
	readonly contentBytes: number;
	readonly startedAtMs: number;
};

export const Unpacked = z.object({ restoreMs: z.int().nonnegative(), losses: z.array(z.string()) });
export const Compared = z.object({ compareMs: z.int().nonnegative(), at: Instant });

/** What the steps of one life found out, for the later of them. */
export interface Found {
	losses?: readonly string[];
	restoreMs?: number;
	compared?: z.infer<typeof Compared>;
}

/** Create, unpack, compare, remove, prove: all that was made is gone before anything is said to be proven. */
export function drillSteps(facts: DrillFacts, context: OperationContext): readonly Step[] {
	const found: Found = {};
	return [...restoringSteps(facts, context, found), proveStep(facts, context, [found])];
}

/** All but the last: what was found is in `found`, and nothing is left. */
export function restoringSteps(facts: DrillFacts, context: OperationContext, found: Found): readonly Step[] {
	const create = createStep(facts, context);
	const unpack = unpackStep(facts, context, found);
	const remove = async () => {
		await unpack.undo();
		await create.undo();
	};
	return [
		create,
		unpack,
		compareStep(facts, context, found),
		{
			name: "remove",
			intent: { folder: facts.place.folder },
			async run() {
				await remove();
				return undefined;
			},
			probe: async () => "absent",
			undo: async () => undefined,
		},
	];
}

function unpackStep(facts: DrillFacts, context: OperationContext, found: Found): Step {
	const { archive, place, part = "" } = facts;
	const hands = openHands(facts, context);
	return {
		name: "unpack",
		intent: { archive, into: place.folder },
		async run(signal) {
			const { folder, manifest } = await context.archives.find(archive);
			const job = { kind: "unpack", archive: join(folder, part), target: place.folder } as const;
			const onProgress = showProgress("unpack", context);
			const beganAtMs = performance.now();
			const watching = { context, signal, onProgress };
			const unpack = () =>
				manifest.repository === undefined
					? hands.do(job, watching)
					: restoreFromRepository({ ...facts, manifest }, job, watching);
			const { losses } = await recordingDamage(facts, context, unpack);
			const restoreMs = Math.round(performance.now() - beganAtMs);
			Object.assign(found, { losses, restoreMs });
			return { losses: losses.slice(0, 50), restoreMs };
		},
		probe: async () => ((await hands.look(place.folder)).identity === undefined ? "absent" : "partial"),
		async undo() {
			await removeBeside(place.folder);
			await hands.undo({ kind: "remove", folder: place.folder });
		},
	};
}

/** What was restored against the archive's entries and digests; where it differs, nothing is proven. */
function compareStep(facts: DrillFacts, context: OperationContext, found: Found): Step {
	const { archive, place, part = "" } = facts;
	const { archives, now } = context;
	return {
		name: "compare",
		intent: { archive, folder: place.folder },
		async run(signal) {
			const { folder } = await archives.find(archive);
			const beganAtMs = performance.now();
			const wanted = { archive: join(folder, part) };
			const job = { kind: "compare", wanted, root: place.folder, exact: true } as const;
			const onProgress = showProgress("compare", context);
			await recordingDamage(facts, context, async () => {
				refuseDifference(await openHands(facts, context).do(job, { signal, onProgress }), facts, found);
			});
			const compareMs = Math.round(performance.now() - beganAtMs);
			found.compared = { compareMs, at: instantOf(now()) };
			return found.compared;
		},
		probe: async () => "absent",
		undo: async () => undefined,
	};
}

function refuseDifference(
	{ replaces, adds, removes, examples }: TreeComparison,
	{ archive }: DrillFacts,
	{ losses = [] }: Found,
): void {
	const count = replaces + adds + removes;
	if (count === 0) return;
	const [first] = [...examples.replaces, ...examples.adds, ...examples.removes];
	const what = `what was restored of archive ${archive} differs from it in ${count} entries, first ${first}`;
	if (losses.length === 0) throw new OperationError("archive-corrupt", what);
	throw new OperationError("drill-inexact", `${what}; not restored were ${losses.slice(0, 3).join("; ")}`);
}

/** Of all that was restored, one after the other. */
export function proveStep(
	{ archive }: Pick<DrillFacts, "archive">,
	{ archives, command }: OperationContext,
	found: readonly Found[],
): Step {
	return {
		name: "prove",
		intent: { archive },
		commits: true,
		async run() {
			let [restoreMs, compareMs] = [0, 0];
			for (const one of found) {
				if (one.restoreMs === undefined || one.compared === undefined)
					throw new TypeError("a drill was to be recorded before it was done");
				restoreMs += one.restoreMs;
				compareMs += one.compared.compareMs;
			}
			const at = found.at(-1)?.compared?.at;
			if (at === undefined) throw new TypeError("a drill of nothing");
			await archives.recordDrill(archive, { command, restoreMs, compareMs, at });
			return undefined;
		},
		probe: async () => ((await archives.drilledBy(archive)) === command ? "complete" : "absent"),
		undo: async () => undefined,
	};
}

async function recordingDamage<Result>(
	{ archive }: DrillFacts,
	{ archives }: OperationContext,
	work: () => Promise<Result>,
): Promise<Result> {
	try {
		return await work();
	} catch (error) {
		if (error instanceof OperationError && error.code === "archive-corrupt") {
			await archives.recordDamage(archive, error.message);
		}
		throw error;
	}
}
