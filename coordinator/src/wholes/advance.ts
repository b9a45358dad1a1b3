import {
	type FailureReport,
	instantOf,
	isEnded,
	judgeParts,
	operationFor,
	parseResource,
	type ResourceId,
	type RunState,
	resourceParams,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { WritePoint } from "../history/history.ts";
import type { PartRecord, WholeRecord } from "../history/records.ts";
import { leaseHolder, repositoryIn } from "../requests/lease.ts";
import { record as recordRequest } from "../requests/record.ts";
import { commitRun } from "../runs/change.ts";
import { sharingRun } from "../runs/sharing-run.ts";
import { hasRoom } from "../schedules/room.ts";
import { judgeWhole } from "./judge.ts";

/**
 * Called with each tick: begins parts in their order as their host has room, and says of each whole what follows from its parts.
 * Whatever it is killed between, the next life's tick goes on: a part's request makes one run, and what ended is found in the history.
 */
export function advanceWholes(core: Core): void {
	for (const whole of core.runs.openWholes()) advanceWhole(core, whole);
}

function advanceWhole(core: Core, whole: WholeRecord): void {
	let current = commitParts(core, whole, { parts: whole.parts, point: "part" });
	let isRoom = hasRoom(core, whole.run.host);
	for (const [index, waiting] of current.parts.entries()) {
		const begun = beginPart(core, current, { part: waiting, isRoom });
		if (begun === waiting) continue;
		const parts = current.parts.map((part, at) => (at === index ? begun : part));
		current = commitParts(core, current, { parts, point: "part" });
		isRoom = hasRoom(core, whole.run.host);
	}
	if (!isEnded(current.run.state)) return;
	const { run, host, resource, operation, state } = current.run;
	core.log.info({ run, host, resource, operation, state, parts: current.parts.length }, "a run ended");
}

/** Commits what changed of the parts, by what is given or by how their runs ended meanwhile, and what follows for the whole. */
export function commitParts(
	core: Core,
	whole: WholeRecord,
	{ parts: given, point }: { readonly parts: readonly PartRecord[]; readonly point: WritePoint },
): WholeRecord {
	const parts = given.map((part) => settlePart(core, part));
	const isChanged = parts.some((part, index) => part !== whole.parts[index]);
	const states = parts.map((part) => stateOfPart(core, part));
	if (!isChanged && judgeParts(states) === whole.run.state) return whole;
	return commitRun(core, judgeWhole(core, { ...whole, parts }, states), { point });
}

/** How a part stands now: as it ended, as its run is, or waiting. */
export function stateOfPart(core: Core, { run, ended }: PartRecord): RunState {
	if (ended !== null) return ended.state;
	return (run === null ? undefined : core.runs.find(run)?.run.state) ?? "requested";
}

/** The part with the run that its request made, where it was begun and the coordinator died before it wrote that down. */
export function linkPart(core: Core, part: PartRecord): PartRecord {
	if (part.run !== null || part.ended !== null) return part;
	const known = core.history.intents.response(part.request);
	return known === undefined ? part : answered(part, known);
}

function beginPart(
	core: Core,
	whole: WholeRecord,
	{ part, isRoom }: { readonly part: PartRecord; readonly isRoom: boolean },
): PartRecord {
	const { host } = whole.run;
	if (part.run !== null || part.ended !== null) return part;
	if (core.now() >= Date.parse(whole.startBy)) return endedAs(part, "expired", tooLate(whole, part));
	if (!core.fleet.isOnline(host) || !mayBegin(core, whole, { part, isRoom })) return part;
	return answered(
		part,
		recordRequest(core, {
			request: {
				version: 1,
				id: part.request,
				host,
				operation: operationFor("backup", part.resource),
				params: paramsOfPart(whole, part.resource),
			},
			principal: whole.run.askedBy,
			...(whole.schedule === null ? {} : { schedule: whole.schedule, startByMs: Date.parse(whole.startBy) }),
		}),
	);
}

/** What is being backed up already serves this too; whatever else is under way is waited for. */
function mayBegin(
	core: Core,
	{ run: { host }, params }: WholeRecord,
	{ part: { resource }, isRoom }: { readonly part: PartRecord; readonly isRoom: boolean },
): boolean {
	const operation = operationFor("backup", resource);
	const open = core.runs.openOn(host, resource);
	if (open === undefined) {
		if (!isRoom || leaseHolder(core, params) !== undefined) return false;
		return sharingRun(core, { host, operation, resource }) === undefined;
	}
	const isBackup = open.run.operation === operation && !open.hidden;
	return isBackup && repositoryIn(open.params) === repositoryIn(params);
}

function answered(
	part: PartRecord,
	{ run, joined = false, failure }: ReturnType<typeof recordRequest>,
): PartRecord {
	if (run !== undefined) return { ...part, run, joined };
	return endedAs(part, "rejected", failure ?? null);
}

/** Written down for good once its run has ended. */
function settlePart(core: Core, part: PartRecord): PartRecord {
	if (part.run === null || part.ended !== null) return part;
	const run = core.runs.find(part.run)?.run;
	return run === undefined || !isEnded(run.state) ? part : endedAs(part, run.state, run.failure ?? null);
}

export function endedAs(part: PartRecord, state: RunState, failure: FailureReport | null): PartRecord {
	return { ...part, ended: { state, failure } };
}

function tooLate({ run: { host }, startBy }: WholeRecord, { resource }: PartRecord): FailureReport {
	return {
		code: "command-expired",
		message: `backup of ${host}/${resource} found no time to begin before ${instantOf(Date.parse(startBy))}`,
		hint: `davit backup ${host}/${resource}`,
		retryable: true,
	};
}

/** Of what the whole was asked with, what a part's kind knows. */
function paramsOfPart({ params }: WholeRecord, resource: ResourceId): Readonly<Record<string, unknown>> {
	const { host: _host, images, consistency, ...placed } = params;
	const isStack = parseResource(resource).kind === "stack";
	return {
		...resourceParams(resource),
		...(consistency === undefined ? {} : { consistency }),
		...(isStack ? (images === undefined ? {} : { images }) : placed),
	};
}
