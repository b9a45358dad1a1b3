import type { HostName, ResourceId } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import { policyOf } from "./retention.ts";

/** Retention is asked for right after a backup and is done in seconds. */
const marginMs = 2 * 3_600_000;

/** Why nothing was removed lately although it should have been looked at; undefined where retention works or is not wanted. */
export function lateRetention(core: Core, host: HostName, resource: ResourceId): string | undefined {
	const newest = core.runs.newest(host, resource);
	const backup = newest.get("backup");
	if (backup?.state !== "succeeded" || backup.endedAt === undefined) return undefined;
	// Nobody asks for retention after a backup that a person made.
	if (backup.askedBy !== "schedule" || policyOf(core, { host, resource }) === undefined) return undefined;
	const prune = newest.get("prune");
	if (prune !== undefined && prune.askedAt >= backup.askedAt && prune.state === "succeeded") return undefined;
	if (core.now() - Date.parse(backup.endedAt) < marginMs) return undefined;
	const why = prune === undefined || prune.askedAt < backup.askedAt ? "never began" : `is ${prune.state}`;
	return `retention after backup ${backup.run} ${why}, so nothing old goes and the disk may fill`;
}
