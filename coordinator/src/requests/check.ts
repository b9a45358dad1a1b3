import {
	type ArchiveId,
	ArchiveId as archiveId,
	choiceIn,
	describeIssues,
	isLooking,
	isOfHost,
	isOperationName,
	isWorkName,
	OperationError,
	type Params,
	type PlanAction,
	type PrincipalName,
	type Request,
	type ResourceId,
	RestoreChoice,
	resourceName,
	resourceOf,
	verbOf,
	type WorkName,
	works,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { HostEntry } from "../fleet/fleet.ts";
import type { AnyRunRecord } from "../history/records.ts";
import { readyPlan } from "../plans/ready.ts";
import { sharingRun } from "../runs/sharing-run.ts";
import { partsWanted } from "../wholes/begin.ts";
import { authorise } from "./authorise.ts";
import { repositoryIn, requireLease } from "./lease.ts";
import { findArchivesOf, findHost, findResource, shown } from "./names.ts";

const greatestSkewSeconds = 300;

/** A request that may be carried out. */
export interface Checked {
	readonly operation: WorkName;
	readonly params: Readonly<Record<string, unknown>>;
	readonly resource: ResourceId;
	/** The run that is under way on the resource and serves this request too. */
	readonly joins: AnyRunRecord | undefined;
}

/** The resource that a request names, where it can be read; for telling its refusal. */
export function resourceOfRequest({ operation, params }: Request): ResourceId | undefined {
	if (!isWorkName(operation)) return undefined;
	const parsed = works[operation].params.safeParse(params);
	return parsed.success ? resourceOf(parsed.data) : undefined;
}

/**
 * Checks a request against the catalogue, the principal's rights and the present of the fleet.
 * @throws OperationError unsupported | request-malformed | not-allowed | host-not-found | resource-not-found |
 * archive-not-found | archive-foreign | confirmation-missing | plan-… | clock-skewed | host-offline | resource-busy
 */
export function checkRequest(core: Core, request: Request, principal: PrincipalName): Checked {
	const { operation, params } = readOperation(request);
	authorise(principal, operation);
	const resource = resourceOf(params);
	const entry = findEntry(core, request, { operation, params, resource });
	checkArchive(core, request, { resource, archive: archiveIn(params) });
	checkDestruction(core, request, { operation, resource, principal });
	const joins = joinable(core, request, { operation, params, resource });
	// The parts of a whole wait for it.
	if (joins === undefined && isOperationName(operation)) requireLease(core, params, request.host);
	const maySleep = principal === "schedule";
	if (!entry.online && !maySleep) {
		throw new OperationError("host-offline", `${operation} of ${resource}: ${request.host} is not connected`);
	}
	const skewSeconds = Math.abs(entry.skewSeconds ?? 0);
	if (works[operation].effect === "destroys" && skewSeconds > greatestSkewSeconds) {
		throw new OperationError(
			"clock-skewed",
			`${operation} of ${resource}: the clock of ${request.host} is ${Math.round(skewSeconds)} s off`,
		);
	}
	return { operation, params, resource, joins };
}

function readOperation({ operation, params }: Request) {
	if (!isWorkName(operation)) {
		throw new OperationError("unsupported", `there is no operation ${shown(operation)}`, {
			hint: `there are ${Object.keys(works).join(", ")}`,
		});
	}
	const parsed = works[operation].params.safeParse(params);
	if (parsed.success) return { operation, params: parsed.data };
	throw new OperationError(
		"request-malformed",
		`the parameters of ${operation} cannot be read: ${describeIssues(parsed.error)}`,
		{ cause: parsed.error },
	);
}

/** The host of what is asked for. @throws OperationError host-not-found | resource-not-found | request-malformed */
function findEntry(
	core: Core,
	{ host }: Request,
	{ operation, params, resource }: Pick<Checked, "operation" | "resource"> & { params: Params<WorkName> },
): HostEntry {
	if ("host" in params) {
		if (params.host !== host) {
			throw new OperationError(
				"request-malformed",
				`everything on ${params.host} cannot be backed up by ${host}`,
			);
		}
		partsWanted(core, host, params);
		return findHost(core, host);
	}
	if (isOfHost(operation)) return findArchivesOf(core, host, resource);
	return findResource(core, host, resource).entry;
}

function archiveIn(params: object): ArchiveId | undefined {
	return "archive" in params ? archiveId.safeParse(params.archive).data : undefined;
}

function checkArchive(
	core: Core,
	{ host }: Request,
	{ resource, archive }: { resource: ResourceId; archive: ArchiveId | undefined },
): void {
	if (archive === undefined) return;
	const has = (known: { archives: readonly { id: ArchiveId }[] } | undefined) =>
		known?.archives.some(({ id }) => id === archive) ?? false;
	if (has(core.fleet.resource(host, resource))) return;
	const owner = [...(core.fleet.find(host)?.resources.values() ?? [])].find(has);
	if (owner !== undefined) {
		throw new OperationError("archive-foreign", `archive ${archive} is of ${owner.id}, not of ${resource}`);
	}
	throw new OperationError("archive-not-found", `${host}/${resource} has no archive ${archive}`);
}

/** What replaces data runs exactly a plan that was shown; all that destroys is confirmed by name, except by a schedule's own rule. */
function checkDestruction(
	core: Core,
	request: Request,
	wanted: { operation: WorkName; resource: ResourceId; principal: PrincipalName },
): void {
	const { operation, resource, principal } = wanted;
	if (works[operation].effect !== "destroys" || principal === "schedule") return;
	const name = resourceName(resource);
	if (request.confirm !== name) {
		throw new OperationError(
			"confirmation-missing",
			`${operation} of ${request.host}/${resource} needs the name ${name} as confirmation`,
			{ hint: `repeat with --confirm ${name}` },
		);
	}
	const verb = verbOf(operation);
	if (verb !== "restore" && verb !== "undo") return;
	const { record, facts } = readyPlan(core, request.plan);
	const isSame =
		record.host === request.host &&
		record.resource === resource &&
		sameAction(record.action, verb, request.params) &&
		facts.digest === request.params["plan"];
	if (isSame) return;
	throw new OperationError("plan-not-found", `plan ${record.plan} is not a plan of this ${operation}`);
}

function sameAction(action: PlanAction, verb: "restore" | "undo", params: Request["params"]): boolean {
	if (action.action !== verb) return false;
	if (action.action === "undo") return true;
	const choice = RestoreChoice.safeParse(params);
	return (
		action.archive === params["archive"] &&
		choice.success &&
		JSON.stringify(choiceIn(choice.data)) === JSON.stringify(choiceIn(action))
	);
}

function joinable(
	core: Core,
	request: Request,
	{ operation, params, resource }: Pick<Checked, "operation" | "resource"> & { params: object },
): AnyRunRecord | undefined {
	const open = isLooking(operation) ? undefined : core.runs.openOn(request.host, resource);
	if (open === undefined) {
		refuseShared(core, request, { operation, resource });
		return undefined;
	}
	const verb = verbOf(operation);
	const isSame = open.run.operation === operation && !open.hidden;
	const isSameWork =
		(verb === "backup" && repositoryIn(open.params) === repositoryIn(params)) ||
		JSON.stringify(open.params) === JSON.stringify(params);
	if (isSame && isSameWork && verb !== "restore" && verb !== "undo") return open;
	const other = open.hidden
		? "a plan of it is being made"
		: `${open.run.operation} (${open.run.run}) holds it`;
	throw new OperationError(
		"resource-busy",
		`${operation} of ${request.host}/${resource} cannot begin: ${other}`,
		open.hidden
			? { hint: "try again in a moment" }
			: { hint: `wait for it, or davit cancel ${open.run.run}` },
	);
}

/** A stack waits on its host for what is at work on its parts; a part does not wait for the whole. */
function refuseShared(
	core: Core,
	{ host }: Request,
	{ operation, resource }: Pick<Checked, "operation" | "resource">,
): void {
	if (resource.startsWith("stack:")) return;
	const sharing = sharingRun(core, { host, operation, resource });
	if (sharing === undefined) return;
	const { run } = sharing;
	throw new OperationError(
		"resource-busy",
		`${operation} of ${host}/${resource} cannot begin: ${run.operation} (${run.run}) holds it as a part of ${run.resource}`,
		{ hint: `wait for it, or davit cancel ${run.run}` },
	);
}
