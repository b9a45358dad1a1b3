import { type ArchiveId, resourceOf } from "@davit/protocol";
import type { Operation } from "../operation.ts";
import { chooseRemovals } from "./choose-removals.ts";

type PruneFacts = { readonly removals: readonly ArchiveId[]; readonly kept: number };

/** Removes archives beyond the newest `keepLast`, oldest first, never the newest good one. */
export const prune: Operation<"volume.prune" | "path.prune" | "stack.prune", PruneFacts> = {
	async prepare(params, { archives }) {
		const all = await archives.list(resourceOf(params));
		const removals = chooseRemovals(all, params.keepLast);
		return { removals, kept: all.length - removals.length };
	},
	steps: ({ removals }, { archives }) => [
		{
			name: "remove",
			intent: { archives: removals },
			commits: true,
			async run(signal) {
				for (const archive of removals) {
					signal.throwIfAborted();
					await archives.remove(archive);
				}
				return undefined;
			},
			// Removing what is gone does no harm, so an interrupted one may simply be asked for again.
			probe: async () => "absent",
			undo: async () => undefined,
		},
	],
	result: ({ removals, kept }) => ({ state: "succeeded", result: { removed: [...removals], kept } }),
};
