import {
	type Instant,
	instantOf,
	isEnded,
	OperationError,
	type PlanDocument,
	PlanFacts,
	type PlanId,
	PlanId as planId,
	type RunId,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { PlanRecord } from "../history/records.ts";

const goodForMs = 15 * 60_000;

/** The document of a plan that the host has answered. @throws OperationError plan-not-found, or why the host could not */
export function planDocument(core: Core, id: string): PlanDocument {
	const record = findPlan(core, id);
	const facts = factsOf(core, record);
	const expiresAt = expiryOf(record);
	return {
		schema: "davit/plan/1",
		asOf: instantOf(core.now()),
		plan: record.plan,
		host: record.host,
		expiresAt,
		state: stateOf(core, record, facts),
		confirm: record.resource.slice(record.resource.indexOf(":") + 1),
		facts,
		run: record.run,
	};
}

/**
 * The facts of a plan that may be applied now.
 * @throws OperationError plan-not-found | plan-expired | plan-stale, or the plan's own blocker
 */
export function readyPlan(core: Core, id: string | undefined): { record: PlanRecord; facts: PlanFacts } {
	if (id === undefined) {
		throw new OperationError(
			"plan-not-found",
			"this replaces data and needs the id of a plan that was shown",
		);
	}
	const record = findPlan(core, id);
	const facts = factsOf(core, record);
	switch (stateOf(core, record, facts)) {
		case "ready":
			return { record, facts };
		case "applied":
			throw new OperationError("plan-stale", `plan ${record.plan} was applied already by run ${record.run}`, {
				hint: `davit show ${record.run}, or make another plan`,
			});
		case "expired":
			throw new OperationError(
				"plan-expired",
				`plan ${record.plan} could be applied until ${expiryOf(record)}`,
			);
		case "blocked": {
			const [blocker] = facts.blockers;
			throw new OperationError(
				blocker?.code ?? "plan-stale",
				`plan ${record.plan} cannot run: ${blocker?.message ?? "it is blocked"}`,
				blocker === undefined ? {} : { hint: blocker.hint },
			);
		}
	}
}

/** Written in the transaction that records the run which applies it. */
export function markApplied(core: Core, plan: PlanId, run: RunId): void {
	const record = core.history.intents.plan(plan);
	if (record !== undefined) core.history.intents.savePlan({ ...record, run });
}

/** @throws OperationError plan-not-found */
export function findPlan(core: Core, id: string): PlanRecord {
	const known = planId.safeParse(id);
	const record = known.success ? core.history.intents.plan(known.data) : undefined;
	if (record !== undefined) return record;
	throw new OperationError("plan-not-found", `no plan is called ${JSON.stringify(id.slice(0, 40))}`);
}

function stateOf(core: Core, record: PlanRecord, facts: PlanFacts): PlanDocument["state"] {
	if (record.run !== null) return "applied";
	if (expiryOf(record) <= instantOf(core.now())) return "expired";
	return facts.blockers.length > 0 ? "blocked" : "ready";
}

function expiryOf({ madeAt }: PlanRecord): Instant {
	return instantOf(Date.parse(madeAt) + goodForMs);
}

function factsOf(core: Core, record: PlanRecord): PlanFacts {
	const making = core.runs.find(record.making)?.run;
	const facts = PlanFacts.safeParse(making?.result);
	if (making?.state === "succeeded" && facts.success) return facts.data;
	const { failure } = making ?? {};
	if (failure !== undefined) {
		throw new OperationError(failure.code, failure.message, { hint: failure.hint });
	}
	const isMaking = making !== undefined && !isEnded(making.state);
	throw new OperationError(
		"plan-not-found",
		isMaking
			? `plan ${record.plan} is still being made by ${record.host}`
			: `${record.host} did not say what plan ${record.plan} would do`,
		{ hint: isMaking ? "try again in a moment" : "make one again with --plan" },
	);
}
