import { type Activity, type CommandId, type Progress, Report, type ResourceId } from "@davit/protocol";
import type { Database } from "../journal/database.ts";
import { findInboxEntry } from "../journal/inbox.ts";
import { newestOperation } from "../journal/operations.ts";

/** What is to be seen of a resource's newest operation. */
export function newestActivity(
	database: Database,
	resource: ResourceId,
	runner: { progressOf(command: CommandId): Progress | undefined },
): Activity | null {
	const newest = newestOperation(database, resource);
	const entry = newest === undefined ? undefined : findInboxEntry(database, newest.command);
	if (newest === undefined || entry === undefined) return null;
	const { command, run, operation, phase } = newest;
	const last = Report.parse(JSON.parse(entry.report));
	const isUnderWay = phase === "started" || phase === "undoing";
	const progress = runner.progressOf(command);
	return {
		...{ command, run, operation, at: last.at },
		state: isUnderWay ? "running" : last.state,
		...(isUnderWay && progress !== undefined ? { progress } : {}),
		...(last.failure === undefined ? {} : { failure: last.failure }),
	};
}
