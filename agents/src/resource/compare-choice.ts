import { OperationError, type RestoreChoice } from "@davit/protocol";
import type { TreeComparison, Wanted } from "../files/job.ts";
import { runFileJob } from "../files/run-job.ts";
import type { OperationContext } from "../operation.ts";
import type { Source } from "./find-source.ts";
import type { Located } from "./locate.ts";
import { reachOf } from "./reach-place.ts";

export interface Comparing {
	readonly context: OperationContext;
	readonly signal: AbortSignal;
}

/** What of a source is put in place of, or over, what is there. */
export interface Target {
	readonly located: Located;
	readonly source: Source;
	readonly choice: RestoreChoice;
}

/**
 * Counts what would change.
 * @throws OperationError entry-not-found | unsupported where it would have to remove what it may not
 */
export async function compareChoice(target: Target, { context, signal }: Comparing): Promise<TreeComparison> {
	const { located, source, choice } = target;
	const { place, sight, dataPath } = located;
	// What is not a folder of this host cannot be swapped, and a blocker says so.
	if (dataPath === "archive-api") return nothing;
	const isThere = choice.as === undefined && place.exists && sight.identity !== undefined;
	const isPart = choice.paths !== undefined || choice.merge === true;
	if (!isThere && !isPart) return { ...nothing, adds: source.entries };
	const wanted = isPart ? chosenOf(target, isThere ? place.folder : undefined) : source.wanted;
	// An undo is a rename, and must not wait until two trees of any size were read.
	const byMetadata = "tree" in wanted;
	const job = { kind: "compare", wanted, byMetadata, ...(isThere ? { root: place.folder } : {}) } as const;
	// Where nothing is there, only the archive is read, which the agent itself may.
	if (isThere) return reachOf(located, context).do(job, { signal });
	return runFileJob(await context.archives.equip(job), { signal });
}

/** What the chosen part alone holds. */
export async function chosenBytes(
	{ wanted }: Source,
	choice: RestoreChoice,
	signal: AbortSignal,
): Promise<number> {
	const { paths } = choice;
	if (!("archive" in wanted)) return 0;
	const job = {
		kind: "compare",
		wanted: { ...wanted, choice: paths === undefined ? {} : { paths } },
	} as const;
	return (await runFileJob(job, { signal })).wantedBytes;
}

function chosenOf(
	{ source: { wanted }, choice: { paths, merge } }: Target,
	over: string | undefined,
): Wanted {
	if (!("archive" in wanted)) throw new OperationError("unsupported", "only an archive has parts to choose");
	const choice = { ...(paths === undefined ? {} : { paths }), ...(merge === undefined ? {} : { merge }) };
	return { ...wanted, choice, ...(over === undefined ? {} : { over }) };
}

const nothing: TreeComparison = {
	...{ replaces: 0, adds: 0, removes: 0, sameEntries: 0, wantedBytes: 0 },
	examples: { replaces: [], adds: [], removes: [] },
};
