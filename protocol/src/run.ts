import { z } from "zod";
import { FailureReport } from "./failures.ts";
import { Progress } from "./report.ts";
import { ResourceId } from "./resource.ts";
import { ArchiveId, HostName, Instant, PrincipalName, RequestId, RunId } from "./vocabulary.ts";

/** How a run can end; an ended run never changes. */
export const endedStates = [
	"succeeded",
	"partial",
	"failed",
	"rejected",
	"cancelled",
	"expired",
	"inconsistent",
] as const;

/**
 * `requested` = recorded, not yet answered by the host; `unknown` = the host fell silent after it accepted, the operation
 * may go on there; `expired` = never begun in time.
 */
export const RunState = z.enum(["requested", "accepted", "running", "unknown", ...endedStates]);
export type RunState = z.infer<typeof RunState>;

export function isEnded(state: RunState): boolean {
	return endedStates.some((ended) => ended === state);
}

/** One execution as the coordinator knows it; retained on `runs/<run>` until it expires, and the `run` document of every door. */
export const Run = z.object({
	version: z.literal(1),
	run: RunId,
	request: RequestId,
	host: HostName,
	resource: ResourceId,
	operation: z.string().max(64),
	state: RunState,
	askedBy: PrincipalName,
	askedAt: Instant,
	startedAt: Instant.optional(),
	endedAt: Instant.optional(),
	progress: Progress.optional(),
	/** The archive it made, restored or verified. */
	archive: ArchiveId.optional(),
	failure: FailureReport.optional(),
	/** The operation's result, as its catalogue entry defines it. */
	result: z.record(z.string(), z.unknown()).optional(),
});
export type Run = z.infer<typeof Run>;

/** What Home Assistant shows of a resource beside the agent's own state; retained, by the coordinator. */
export const ResourceStatus = z.object({
	version: z.literal(1),
	host: HostName,
	resource: ResourceId,
	/** The state of the newest backup that was asked for. */
	backup: z.enum(["idle", ...RunState.options]),
	run: RunId.nullable(),
	/** Why it was refused or failed; at most 200 characters. */
	reason: z.string().max(200).nullable(),
	progress: Progress.nullable(),
	overdue: z.boolean(),
	nextDueAt: Instant.nullable(),
	at: Instant,
});
export type ResourceStatus = z.infer<typeof ResourceStatus>;
