import { type ArchiveSummary, findSuspicion, type Hold } from "@davit/protocol";
import type { Keeping } from "../archives/keep-records.ts";
import type { AgentConfig } from "../config.ts";

/** Why nothing of a resource may be removed for now: a person said so, or a backup was suspicious and nobody has looked at it yet. */
export function holdOf(
	archives: readonly ArchiveSummary[],
	{ hold, released }: Keeping,
	{ suspicion }: Pick<AgentConfig, "suspicion">,
): Hold | undefined {
	if (hold !== undefined) return { ...hold, isAutomatic: false };
	const found = findSuspicion(archives, { suspicion, released });
	return found === undefined ? undefined : { ...found, isAutomatic: true };
}
