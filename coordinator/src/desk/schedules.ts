import {
	describeIssues,
	instantOf,
	KeepLast,
	OperationError,
	type PrincipalName,
	RepositoryName,
	RetentionPolicy,
	type ScheduleDocument,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { NewSchedule, Tending } from "../desk.ts";
import { resolveAddress } from "../documents/addresses.ts";
import { scheduleDocument } from "../documents/details.ts";
import type { HostEntry } from "../fleet/fleet.ts";
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
		...placeOf(core, wanted),
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
	consistency,
	task,
}: Omit<NewSchedule, "name" | "target">): void {
	if (task !== undefined && [keepLast, policy, consistency].some((setting) => setting !== undefined)) {
		throw new OperationError("schedule-invalid", `a ${task} of a repository copies and keeps nothing`, {
			hint: "leave out what is kept and how writers are held still; backups' schedules have that",
		});
	}
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

type Place = Pick<ScheduleRecord, "target" | "repository">;

/** What is backed up or tended, by full names. @throws OperationError schedule-invalid | repository-not-found | … of the names */
function placeOf(core: Core, { task, target, repository }: NewSchedule): Place {
	if (task !== undefined) return repositoryOf(core, { task, target, elsewhere: repository });
	const place = { target: targetOf(core, target) };
	if (repository === undefined) return place;
	if (place.target.includes("/stack:")) {
		throw new OperationError("schedule-invalid", `${place.target} is a stack, which no repository takes`, {
			hint: "schedule its volumes and folders, as 'host/*' does",
		});
	}
	requireRepository(findHost(core, place.target.slice(0, place.target.indexOf("/"))), repository);
	return { ...place, repository };
}

/** `host/repository`, which is written so for what is backed up too. */
function repositoryOf(
	core: Core,
	{
		task,
		target,
		elsewhere,
	}: { readonly task: Tending; readonly target: string; readonly elsewhere: RepositoryName | undefined },
): Place {
	const slash = target.indexOf("/");
	const repository = RepositoryName.safeParse(target.slice(slash + 1));
	if (slash < 1 || !repository.success || elsewhere !== undefined) {
		const why = elsewhere === undefined ? `${shown(target)} names no repository` : "it goes nowhere else";
		throw new OperationError("schedule-invalid", `nothing can be scheduled to ${task}: ${why}`, {
			hint: "write host/repository, as in nas/disk",
		});
	}
	const entry = findHost(core, target.slice(0, slash));
	requireRepository(entry, repository.data);
	return { target: `${entry.record.host}/${repository.data}`, repository: repository.data };
}

/** An older agent does not say which repositories it has. */
function requireRepository({ record: { host, description } }: HostEntry, repository: RepositoryName): void {
	const known = description?.repositories?.map(({ name }) => name);
	if (known === undefined || known.includes(repository)) return;
	throw new OperationError("repository-not-found", `no repository is called ${repository} on ${host}`, {
		candidates: known.map((name) => `${host}/${name}`),
		hint:
			known.length === 0
				? `name it in repositories of ${host}'s agent.json (docs/configuration.md)`
				: `there ${known.length === 1 ? "is" : "are"} ${known.join(", ")}`,
	});
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
