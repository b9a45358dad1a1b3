import { z } from "zod";
import { Bytes, HostName } from "../vocabulary.ts";
import { BackupChoice } from "./backup-choice.ts";

/** What of a whole came together; what became of each part stands in the run's document. */
const WholeResult = z.object({
	parts: z.int().nonnegative(),
	succeeded: z.int().nonnegative(),
	/** Of all archives that its parts made. */
	bytes: Bytes,
});

/** What the coordinator does with a host as a whole, by ordinary operations of its agent. */
export const hostWorkflows = {
	/**
	 * Backs up everything that is configured on a host, each thing once: its stacks, then the volumes and folders that are in none of
	 * them. A choice that a kind of resource does not know is left out for it. Into a repository, which no stack goes into, go all
	 * volumes and folders one by one.
	 */
	"host.backup": {
		effect: "reads",
		params: z.strictObject({ host: HostName, ...BackupChoice.shape, images: z.boolean().optional() }),
		result: WholeResult,
	},
} as const;
