import { join } from "node:path";
import { OperationError } from "@davit/protocol";
import type { Wanted } from "../files/job.ts";
import type { OperationContext, Step } from "../operation.ts";
import { removeBeside } from "../restic/restore-tree.ts";
import { openHands } from "./open-hands.ts";
import { type MakeJob, restoreFromRepository } from "./restore-from-repository.ts";
import { showProgress } from "./show-progress.ts";
import type { Swap } from "./swap-folders.ts";
import type { SwapFacts } from "./swap-steps.ts";

/** Makes the new data beside the old, and reads it back. */
export function makeSteps(facts: SwapFacts, context: OperationContext): Step[] {
	const made: Made = { losses: [] };
	return [makeStep(facts, context, made), checkStep(facts, context, made)];
}

/** Where the archive lies that is unpacked. */
async function contentFolder({ archive, part }: SwapFacts, { archives }: OperationContext): Promise<string> {
	const { folder } = await archives.find(archive);
	return part === undefined ? folder : join(folder, part);
}

/** What both steps know; a making that was broken off is never gone on with. */
interface Made {
	losses: readonly string[];
}

function makeStep(facts: SwapFacts, context: OperationContext, known: Made): Step {
	const { archive, incoming, choice } = facts;
	const hands = openHands(facts, context);
	const name = choice === undefined ? "unpack" : "compose";
	return {
		name,
		intent: { archive, into: incoming, ...choice },
		async run(signal) {
			const folder = await contentFolder(facts, context);
			const { manifest } = await context.archives.find(archive);
			const onProgress = showProgress(name, context);
			const job = makeJob(facts, folder);
			const made =
				manifest.repository === undefined
					? await hands.do(job, { signal, onProgress })
					: await restoreFromRepository({ ...facts, manifest }, job, { context, signal, onProgress });
			known.losses = made.losses;
			return { entries: made.entries, losses: made.losses };
		},
		async probe() {
			const { identity } = await hands.look(incoming);
			return identity === undefined ? "absent" : "partial";
		},
		async undo() {
			await removeBeside(incoming);
			await hands.undo({ kind: "remove", folder: incoming });
		},
	};
}

function makeJob({ incoming, choice, ...facts }: SwapFacts, archive: string): MakeJob {
	if (choice === undefined) return { kind: "unpack", archive, target: incoming };
	const over = presentOf(facts);
	return {
		kind: "compose",
		archive,
		target: incoming,
		choice,
		...(over === undefined ? {} : { present: over }),
	};
}

/** Reads back what was made: after this nothing of the archive is needed. */
function checkStep(facts: SwapFacts, context: OperationContext, known: Made): Step {
	const { archive, incoming, dataPath } = facts;
	return {
		name: "check",
		intent: { archive, folder: incoming },
		async run(signal) {
			const folder = await contentFolder(facts, context);
			const strictness = { exact: true, withoutAttributes: known.losses.length > 0 };
			const wanted = wantedOf(facts, folder);
			const job = { kind: "compare", wanted, root: incoming, ...strictness } as const;
			const { replaces, adds, removes, examples } = await openHands(facts, context).do(job, {
				signal,
				onProgress: showProgress("check", context),
			});
			// Only root can give files to others; then owners differ, and `losses` says so.
			const mayOwn = dataPath === "helper" || process.geteuid?.() === 0;
			const isExact = adds + removes === 0 && (replaces === 0 || !mayOwn);
			if (isExact) return undefined;
			const [first] = [...examples.replaces, ...examples.adds, ...examples.removes];
			throw new OperationError(
				"archive-corrupt",
				`what was unpacked of archive ${archive} differs from it in ${replaces + adds + removes} entries, first ${first}`,
			);
		},
		probe: async () => "absent",
		undo: async () => undefined,
	};
}

function wantedOf({ choice, ...facts }: SwapFacts, archive: string): Wanted {
	if (choice === undefined) return { archive };
	const over = presentOf(facts);
	return { archive, choice, ...(over === undefined ? {} : { over }) };
}

function presentOf({ isNew, place }: Pick<SwapFacts, "isNew" | "place">): string | undefined {
	return isNew === true ? undefined : place.folder;
}

/** Gives the new data its new name, which nobody else must have taken. One rename; it replaces an empty folder and no other. */
export function settleStep(swap: Swap, facts: SwapFacts, context: OperationContext): Step {
	const hands = openHands(facts, context);
	const { resource } = facts.place;
	return {
		name: "settle",
		intent: { from: swap.incoming, to: swap.folder },
		commits: true,
		async run(signal) {
			// The engine made a new volume's folder a step ago; a new folder is still to come.
			const { identity } = await hands.look(swap.folder);
			if (resource.startsWith("path:") && identity !== undefined) {
				throw new OperationError(
					"resource-exists",
					`${swap.folder} is there by now, so nothing was put there`,
				);
			}
			await hands.do({ kind: "put-in-place", swap }, { signal });
			return { atMs: context.now() };
		},
		async probe() {
			const { identity } = await hands.look(swap.incoming);
			return identity === undefined ? "complete" : "absent";
		},
		undo: async () => undefined,
	};
}
