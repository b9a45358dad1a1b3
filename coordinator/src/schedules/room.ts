import type { HostName } from "@davit/protocol";
import type { Core } from "../core/context.ts";

/** A host's disk is shared: more runs at a time would only slow each other down. */
const runsPerHost = 2;

/** Whether one more run that nobody waits for by itself, a schedule's or a whole's, may begin on a host. */
export function hasRoom(core: Core, host: HostName): boolean {
	const open = core.runs
		.open()
		.filter(
			({ run, schedule }) =>
				run.host === host && (schedule !== null || core.runs.wholeOf(run.run) !== undefined),
		);
	return open.length < runsPerHost;
}
