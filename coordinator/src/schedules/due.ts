import { createHash } from "node:crypto";
import {
	type HostName,
	instantOf,
	operationFor,
	PrincipalName,
	RequestId,
	type ResourceId,
	resourceParams,
	wholeHost,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { HostEntry } from "../fleet/fleet.ts";
import type { RunRecord, ScheduleRecord, Waiting } from "../history/records.ts";
import { leaseHolder } from "../requests/lease.ts";
import { record as recordRequest } from "../requests/record.ts";
import { sharingRun } from "../runs/sharing-run.ts";
import { listedOn, partsOfHost, placesOfHost } from "../wholes/parts-of-host.ts";
import { resourceOfTarget, type Schedule } from "./book.ts";
import { firstMissed, followClock, planNext, startByFor } from "./plan-next.ts";
import { policyOf } from "./retention.ts";
import { hasRoom } from "./room.ts";
import { isTending, operationOf, tendedPlaces } from "./tending.ts";

const schedulePrincipal = PrincipalName.parse("schedule");

/** Called with each tick: what came due is written down, and what was written down is begun as hosts have room. */
export function beginDue(core: Core): void {
	for (const schedule of core.schedules.all()) followClock(core, schedule);
	for (const schedule of core.schedules.all()) {
		const { fireAt, paused } = schedule.record;
		if (fireAt !== null && !paused && Date.parse(fireAt) <= core.now()) comeDue(core, schedule);
	}
	for (const schedule of core.schedules.all()) {
		if (schedule.record.waiting.length > 0) beginWaiting(core, schedule);
	}
}

/** However many due times were missed, the next one counts from now: one catch-up at most. */
function comeDue(core: Core, schedule: Schedule): void {
	const { record } = schedule;
	const nowMs = core.now();
	// A clock that was far behind planned a time of its own before it was set right.
	const dueMs = Math.max(Date.parse(record.nextDueAt ?? instantOf(nowMs)), firstMissed(schedule, nowMs) ?? 0);
	const dueAt = instantOf(dueMs);
	const next = planNext(core, schedule, nowMs);
	const era = record.era === undefined ? {} : { era: record.era };
	const startBy = startByFor(next, nowMs);
	const waiting = targetsOf(core, record).map((target) => ({ ...target, dueAt, startBy, ...era }));
	core.log.info({ schedule: record.name, dueAt, resources: waiting.length }, "a schedule came due");
	core.schedules.save({ ...record, ...next, lastDueAt: dueAt, waiting }, "due");
}

/** What a schedule asks for: one resource, a host as a whole where there is something on it, or where a host's archives lie. */
function targetsOf(core: Core, record: ScheduleRecord): Target[] {
	if (isTending(record)) return tendedPlaces(core, record);
	const { target } = record;
	const resources = resourcesOf(core, target);
	const [first] = resources;
	if (first === undefined || resourceOfTarget(target) !== undefined) return resources;
	return [{ host: first.host, resource: wholeHost(first.host) }];
}

/** Each resource that a schedule backs up now. */
export function resourcesOf(core: Core, target: string): Target[] {
	const entry = entryOfTarget(core, target);
	if (entry === undefined) return [];
	const { host } = entry.record;
	const one = resourceOfTarget(target);
	if (one !== undefined) return entry.resources.has(one) ? [{ host, resource: one }] : [];
	if (!target.endsWith("/*")) return [];
	return partsOfHost(listedOn(entry)).map((resource) => ({ host, resource }));
}

/** Each resource whose archives a schedule's policy is about: also what is backed up in its stack only. */
export function resourcesKeptBy(core: Core, target: string): Target[] {
	const entry = entryOfTarget(core, target);
	const resources = resourcesOf(core, target);
	if (entry === undefined || !target.endsWith("/*")) return resources;
	const { host } = entry.record;
	const all = new Set([...resources.map(({ resource }) => resource), ...placesOfHost(listedOn(entry))]);
	return [...all].map((resource) => ({ host, resource }));
}

interface Target {
	readonly host: HostName;
	readonly resource: ResourceId;
}

function entryOfTarget(core: Core, target: string): HostEntry | undefined {
	const name = target.slice(0, target.indexOf("/"));
	return [...core.fleet.hosts()].find(({ record }) => record.host === name);
}

function beginWaiting(core: Core, { record }: Schedule): void {
	const left = record.waiting.filter((waiting) => !isDone(core, record, waiting));
	const current = core.schedules.find(record.name)?.record;
	if (left.length === record.waiting.length || current === undefined) return;
	core.schedules.save({ ...current, waiting: left }, "due");
}

/** Begins one thing; false where it has to wait for room or for another operation on the resource. */
function isDone(core: Core, schedule: ScheduleRecord, waiting: Waiting): boolean {
	const { host, resource, startBy } = waiting;
	if (Date.parse(startBy) <= core.now()) {
		core.log.warn({ schedule: schedule.name, host, resource }, "a scheduled run found no time to begin");
		return true;
	}
	const { repository } = schedule;
	const placed = repository === undefined ? {} : { repository };
	const operation = isTending(schedule) ? operationOf(schedule) : operationFor("backup", resource);
	const isOfHost = resource === wholeHost(host);
	const other =
		core.runs.openOn(host, resource) ??
		sharingRun(core, { host, operation, resource }) ??
		(isOfHost ? undefined : leaseHolder(core, placed));
	if (other !== undefined) {
		return core.history.intents.response(requestIdOf(schedule.name, waiting)) !== undefined;
	}
	// Its parts wait for room one by one.
	if (!isOfHost && !hasRoom(core, host)) return false;
	recordRequest(core, {
		request: {
			version: 1,
			id: requestIdOf(schedule.name, waiting),
			host,
			operation,
			params: {
				...resourceParams(resource),
				...(schedule.consistency === undefined ? {} : { consistency: schedule.consistency }),
				...placed,
			},
		},
		principal: schedulePrincipal,
		schedule: schedule.name,
		startByMs: Date.parse(startBy),
	});
	return true;
}

/** After a good scheduled backup, retention has its turn; the agent keeps the newest good one in any case. */
export function pruneAfter(core: Core, { run, schedule: name }: RunRecord): void {
	if (name === null || run.state !== "succeeded" || !run.operation.endsWith(".backup")) return;
	const { host, resource } = run;
	const policy = policyOf(core, { host, resource });
	if (policy === undefined) return;
	recordRequest(core, {
		request: {
			version: 1,
			id: derivedId(core.now(), `prune ${run.run}`),
			host,
			operation: operationFor("prune", resource),
			params: { ...resourceParams(resource), policy },
		},
		principal: schedulePrincipal,
		schedule: name,
		startByMs: core.now() + 3_600_000,
	});
}

/** The same due time asks for a resource with the same id, so that it is begun once however often the coordinator dies. */
function requestIdOf(schedule: string, { host, resource, dueAt, era }: Waiting): RequestId {
	const time = era === undefined ? dueAt : `${dueAt} again ${era}`;
	return derivedId(Date.parse(dueAt), `${schedule} ${time} ${host}/${resource}`);
}

/** A version 7 UUID whose random part is a digest of `name`. */
function derivedId(atMs: number, name: string): RequestId {
	const time = atMs.toString(16).padStart(12, "0");
	const digest = createHash("sha256").update(name).digest("hex");
	const groups = [
		...[time.slice(0, 8), time.slice(8, 12), `7${digest.slice(0, 3)}`],
		...[`8${digest.slice(3, 6)}`, digest.slice(6, 18)],
	];
	return RequestId.parse(groups.join("-"));
}
