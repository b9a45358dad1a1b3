import {
	describeIssues,
	instantOf,
	KeepLast,
	OperationError,
	type PrincipalName,
	RetentionPolicy,
	type ScheduleDocument,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { NewSchedule } from "../desk.ts";
import { resolveAddress } from "../documents/addresses.ts";
import { scheduleDocument } from "../documents/details.ts";
import type { ScheduleRecord } from "../history/records.ts";
import { publishHost } from "../publishing/publish.ts";
import { authoriseOperator } from "../requests/authorise.ts";
import { findHost, shown } from "../requests/names.ts";
import { readCalendar } from "../schedules/cron.ts";
import { planNext } from "../schedules/plan-next.ts";

import { requireConfirmation } from "./confirm-policy.ts";

const longestJitterSeconds = 86_400;

/**
 * Where archives would go that stay now, its name is needed as `confirm`.
 * @throws OperationError not-allowed | schedule-invalid | confirmation-missing | host-not-found | resource-not-found | resource-ambiguous
 */
export function addSchedule(
	core: Core,
	{ confirm = "", ...wanted }: NewSchedule & { readonly confirm?: string },
	principal: PrincipalName,
): ScheduleDocument {
	authoriseOperator(principal, "add a schedule");
	checkName(core, wanted.name);
	checkSettings(wanted);
	const calendar = readCalendar(wanted.cron, wanted.timeZone);
	const record: ScheduleRecord = {
		...wanted,
		target: targetOf(core, wanted.target),
		addedAt: instantOf(core.now()),
		addedBy: principal,
		lastDueAt: null,
		nextDueAt: null,
		fireAt: null,
		paused: false,
		waiting: [],
	};
	const next = planNext(core, { calendar, record }, core.now());
	if (next.nextDueAt === null) {
		throw new OperationError("schedule-invalid", `the times '${wanted.cron}' never come`);
	}
	requireConfirmation(core, record, confirm);
	core.schedules.save({ ...record, ...next });
	core.log.info({ schedule: record.name, target: record.target, principal }, "a schedule was added");
	tellTargets(core, record.target);
	return scheduleDocument(core, record.name);
}

/** What it began goes on; what it waited to begin does not. @throws OperationError not-allowed | schedule-not-found */
export function removeSchedule(core: Core, name: string, principal: PrincipalName): void {
	authoriseOperator(principal, "remove a schedule");
	const { target } = scheduleDocument(core, name).row;
	core.schedules.remove(name);
	core.log.info({ schedule: name, principal }, "a schedule was removed");
	tellTargets(core, target);
}

function checkName(core: Core, name: string): void {
	if (!/^[a-z0-9][a-z0-9-]{0,47}$/.test(name)) {
		throw new OperationError("schedule-invalid", `a schedule cannot be called ${shown(name)}`, {
			hint: "use 1 to 48 of a-z, 0-9 and -",
		});
	}
	if (core.schedules.find(name) !== undefined) {
		throw new OperationError("schedule-invalid", `there is a schedule called ${name} already`, {
			hint: `davit schedule remove ${name}, or choose another name`,
		});
	}
}

/** @throws OperationError schedule-invalid */
export function checkSettings({
	jitterSeconds,
	keepLast,
	policy,
}: Omit<NewSchedule, "name" | "target">): void {
	if (!Number.isInteger(jitterSeconds) || jitterSeconds < 0 || jitterSeconds > longestJitterSeconds) {
		throw new OperationError("schedule-invalid", "the jitter is not a number of seconds from 0 to 86400", {
			hint: "leave it out, or give whole seconds",
		});
	}
	if (keepLast !== undefined && !KeepLast.safeParse(keepLast).success) {
		throw new OperationError("schedule-invalid", "the number of archives to keep is not from 1 to 10000", {
			hint: "leave it out to keep all",
		});
	}
	if (keepLast !== undefined && policy !== undefined) {
		throw new OperationError("schedule-invalid", "both keepLast and a policy say what is to stay", {
			hint: "give one of them",
		});
	}
	const read = RetentionPolicy.optional().safeParse(policy);
	if (!read.success) {
		throw new OperationError("schedule-invalid", `the policy cannot be used: ${describeIssues(read.error)}`, {
			cause: read.error,
			hint: "davit help retention",
		});
	}
}

/** `host/*`, or the one resource's full address. */
function targetOf(core: Core, target: string): string {
	if (target.endsWith("/*")) return `${findHost(core, target.slice(0, -2)).record.host}/*`;
	const { host, resource } = resolveAddress(core, target);
	if (resource !== null) return `${host}/${resource}`;
	throw new OperationError("schedule-invalid", `${shown(target)} is a host, not a resource`, {
		hint: `write '${host}/*' for everything on it`,
	});
}

export function tellTargets(core: Core, target: string): void {
	const entry = core.fleet.find(findHost(core, target.slice(0, target.indexOf("/"))).record.host);
	if (entry === undefined) return;
	publishHost(core, entry);
	core.changes.host(entry.record.host);
}
