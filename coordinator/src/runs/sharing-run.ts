import {
	type HostName,
	handlesData,
	isOperationName,
	overlaps,
	type ResourceId,
	type WorkName,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { RunRecord } from "../history/records.ts";

interface Wanted {
	readonly host: HostName;
	readonly operation: WorkName;
	readonly resource: ResourceId;
}

/** A run that works on data which an operation would work on too, as far as the host told what its stacks hold; not on the same resource. */
export function sharingRun(core: Core, { host, operation, resource }: Wanted): RunRecord | undefined {
	// The parts of a whole are looked at one by one.
	if (!isOperationName(operation) || !handlesData(operation)) return undefined;
	const own = dataOf(core, host, resource);
	return core.runs.open().find(({ run }) => {
		if (run.host !== host || run.resource === resource) return false;
		if (!isOperationName(run.operation) || !handlesData(run.operation)) return false;
		// Of two that are no stacks each is locked by itself.
		if (![resource, run.resource].some(isStack)) return false;
		return dataOf(core, host, run.resource).some((one) => own.some((other) => overlaps(one, other)));
	});
}

function dataOf(core: Core, host: HostName, resource: ResourceId): readonly ResourceId[] {
	return isStack(resource) ? (core.fleet.resource(host, resource)?.listed?.covers ?? []) : [resource];
}

function isStack(resource: ResourceId): boolean {
	return resource.startsWith("stack:");
}
