import {
	type HostName,
	instantOf,
	OperationError,
	type Params,
	type PrincipalName,
	RequestId,
	type ResourceId,
	wholeHost,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { WholeRecord } from "../history/records.ts";
import { newRunId } from "../outbox/dispatch.ts";
import { findHost } from "../requests/names.ts";
import { commitRun } from "../runs/change.ts";
import { listedOn, partsOfHost, placesOfHost } from "./parts-of-host.ts";

interface Wanted {
	readonly request: RequestId;
	readonly principal: PrincipalName;
	readonly host: HostName;
	readonly params: Params<"host.backup">;
	readonly startByMs: number | undefined;
	readonly schedule: string | null;
	/** Written in the same transaction. */
	readonly also: (record: WholeRecord) => void;
}

/** How long a part may wait for its turn where no schedule says it. */
const longestWaitMs = 12 * 3_600_000;

/** Commits a run of everything on a host, with its parts as they are now. `advanceWholes` begins them. */
export function beginWhole(core: Core, wanted: Wanted): WholeRecord {
	const { host, params, request, principal, schedule } = wanted;
	const parts = partsWanted(core, host, params).map((resource) => ({
		...{ resource, request: RequestId.parse(core.newId()), run: null, joined: false, ended: null },
	}));
	const record: WholeRecord = {
		run: {
			...{ version: 1, run: newRunId(core), request, host, resource: wholeHost(host) },
			...{ operation: "host.backup", state: "requested", askedBy: principal, askedAt: instantOf(core.now()) },
		},
		...{ parts, params, schedule, hidden: false, endedMs: null },
		startBy: instantOf(wanted.startByMs ?? core.now() + longestWaitMs),
	};
	return commitRun(core, record, { point: "request", also: wanted.also });
}

/** @throws OperationError host-not-found | resource-not-found where there is nothing to back up */
export function partsWanted(
	core: Core,
	host: HostName,
	{ repository }: Params<"host.backup">,
): readonly ResourceId[] {
	const listed = listedOn(findHost(core, host));
	const parts = repository === undefined ? partsOfHost(listed) : placesOfHost(listed);
	if (parts.length > 0) return parts;
	throw new OperationError("resource-not-found", `${host} has nothing to back up`, {
		hint: `davit show ${host} says what it found`,
	});
}
