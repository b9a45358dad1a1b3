import {
	chooseKept,
	type HostName,
	type KeptReason,
	mergePolicies,
	policyOfKeepLast,
	type ResourceId,
	type RetentionPolicy,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { ScheduleRecord } from "../history/records.ts";

/** A policy in the place of a schedule's own, which need not be there yet, to see what it would do. */
export interface Instead {
	readonly schedule: string;
	readonly policy: RetentionPolicy | undefined;
}

/** What a schedule keeps; undefined = everything. */
export function policyOfSchedule({ policy, keepLast }: Pick<ScheduleRecord, "policy" | "keepLast">) {
	return policy ?? (keepLast === undefined ? undefined : policyOfKeepLast(keepLast));
}

/**
 * What stays of a resource's archives: its own policy, or all that any of its schedules keeps, paused ones too; undefined where
 * none says anything, and everything stays.
 */
export function policyOf(
	core: Core,
	{ host, resource }: { readonly host: HostName; readonly resource: ResourceId },
	instead?: Instead,
): RetentionPolicy | undefined {
	const own = core.fleet.resource(host, resource)?.listed?.keep;
	if (own !== undefined) return own;
	const others = core.schedules
		.ofAny(host, resource)
		.filter(({ record }) => record.name !== instead?.schedule);
	const policies = [...others.map(({ record }) => policyOfSchedule(record)), instead?.policy].filter(
		(policy) => policy !== undefined,
	);
	return policies.length === 0 ? undefined : policies.reduce(mergePolicies);
}

/** Says of each archive of the fleet why it stays; a resource is judged once. */
export function keptReasons(core: Core): (found: Found) => readonly KeptReason[] {
	const judged = new Map<string, ReadonlyMap<string, readonly KeptReason[]>>();
	return ({ host, resource, archive }) => {
		const key = `${host}/${resource}`;
		const known = judged.get(key) ?? judge(core, host, resource);
		judged.set(key, known);
		return known.get(archive.id) ?? [];
	};
}

interface Found {
	readonly host: HostName;
	readonly resource: ResourceId;
	readonly archive: { readonly id: string };
}

function judge(core: Core, host: HostName, resource: ResourceId): ReadonlyMap<string, readonly KeptReason[]> {
	const policy = policyOf(core, { host, resource });
	const known = core.fleet.resource(host, resource);
	if (policy === undefined || known === undefined) return new Map();
	const isHeld = known.state?.hold !== undefined;
	const decisions = chooseKept(known.archives, policy, { nowMs: core.now(), isHeld });
	return new Map(decisions.map(({ archive, reasons }) => [archive.id, reasons]));
}
