import {
	type HostName,
	instantOf,
	OperationError,
	operationFor,
	type PlanAction,
	PlanId,
	type PrincipalName,
	RequestId,
	type ResourceId,
	type RunId,
	resourceName,
	resourceParams,
} from "@davit/protocol";
import { type Core, shortId } from "../core/context.ts";
import type { RunRecord } from "../history/records.ts";
import { commandCancel, dispatch } from "../outbox/dispatch.ts";
import { checkRequest } from "../requests/check.ts";
import { commitRun, withState } from "../runs/change.ts";

export interface PlanWanted {
	readonly host: HostName;
	readonly resource: ResourceId;
	readonly action: PlanAction;
}

/** A host that says nothing for so long, not even progress, is not waited for. */
export const silenceMs = 20_000;

/**
 * Asks the host what a restore or an undo would do. The plan is ready, or not possible, when the returned run has ended.
 * @throws OperationError as a request would be refused
 */
export function startPlan(
	core: Core,
	wanted: PlanWanted,
	principal: PrincipalName,
): { plan: PlanId; making: RunId } {
	const { host, resource, action } = wanted;
	const operation = operationFor("plan", resource);
	const checked = checkRequest(core, { version: 1, host, operation, params: paramsOf(wanted) }, principal);
	if (checked.joins !== undefined) {
		throw new OperationError("resource-busy", `a plan of ${host}/${resource} is being made`);
	}
	if (action.action === "restore" && !hasArchive(core, wanted)) {
		throw new OperationError("archive-not-found", `${host}/${resource} has no archive ${action.archive}`);
	}
	return make(core, { ...wanted, principal, plan: newPlanId(core) });
}

/** Called with each tick: gives up on hosts that do not answer. */
export function judgePlans(core: Core): void {
	for (const record of core.runs.open()) {
		if (!record.hidden || core.now() - lastHeardMs(record) < silenceMs) continue;
		const { host, resource } = record.run;
		if (record.sequence >= 0) commandCancel(core, record);
		core.log.warn(
			{ host, resource, run: record.run.run },
			"a question was given up: the host did not answer",
		);
		commitRun(
			core,
			withState(record, {
				state: "failed",
				endedAt: instantOf(core.now()),
				failure: {
					code: "host-offline",
					message: `${host} did not answer within ${silenceMs / 1000} s what was asked of ${resource}`,
					hint: "see that its agent runs and reaches the broker, then ask again",
					retryable: true,
				},
			}),
			{ point: "verdict", also: () => core.history.runs.settleCommand(record.command) },
		);
		core.outbox.settle(record.command);
	}
}

/** A restore that was refused because the facts moved: names the plan that takes its place, and makes it. */
export function renewStalePlan(
	core: Core,
	record: RunRecord,
): { record: RunRecord; make: () => void } | undefined {
	const { failure, host, resource } = record.run;
	const old = record.plan === null || record.hidden ? undefined : core.history.intents.plan(record.plan);
	if (failure?.code !== "plan-stale" || old === undefined) return undefined;
	const plan = newPlanId(core);
	const hint = `read the new plan ${plan}, then davit apply ${plan} --confirm ${resourceName(resource)}`;
	const { action, principal } = old;
	return {
		record: { ...record, run: { ...record.run, failure: { ...failure, hint: hint.slice(0, 500) } } },
		make: () => {
			make(core, { host, resource, action, principal, plan });
		},
	};
}

function make(
	core: Core,
	wanted: PlanWanted & { principal: PrincipalName; plan: PlanId },
): { plan: PlanId; making: RunId } {
	const { host, resource, action, principal, plan } = wanted;
	const started = dispatch(core, {
		request: RequestId.parse(core.newId()),
		principal,
		host,
		resource,
		operation: operationFor("plan", resource),
		params: paramsOf(wanted),
		startByMs: core.now() + silenceMs,
		hidden: true,
		plan,
		point: "plan",
		also: ({ run }) =>
			core.history.intents.savePlan({
				...{ plan, host, resource, action, principal },
				madeAt: instantOf(core.now()),
				making: run.run,
				run: null,
			}),
	});
	return { plan, making: started.run.run };
}

function newPlanId(core: Core): PlanId {
	const plan = PlanId.parse(shortId("p", core.random));
	return core.history.intents.plan(plan) === undefined ? plan : newPlanId(core);
}

function paramsOf({ resource, action }: PlanWanted): Record<string, unknown> {
	return { ...resourceParams(resource), action };
}

function hasArchive(core: Core, { host, resource, action }: PlanWanted): boolean {
	const archives = core.fleet.resource(host, resource)?.archives ?? [];
	return action.action === "undo" || archives.some(({ id }) => id === action.archive);
}

function lastHeardMs(record: RunRecord): number {
	return record.heardMs ?? Date.parse(record.run.askedAt);
}
