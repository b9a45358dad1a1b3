import { OperationError, type PlanFacts } from "@davit/protocol";

/** The facts of the newest plans, so that a stale one can be told from what is true now in words. */
const remembered = new Map<string, PlanFacts>();
const rememberedAtMost = 50;

export function rememberPlan(plan: PlanFacts): void {
	remembered.delete(plan.digest);
	remembered.set(plan.digest, plan);
	const [oldest] = remembered.keys();
	if (remembered.size > rememberedAtMost && oldest !== undefined) remembered.delete(oldest);
}

/**
 * Lets only the very plan pass that a person saw.
 * @throws OperationError plan-stale, saying what moved
 */
export function requireSamePlan(digest: string, present: PlanFacts): void {
	if (present.digest === digest) return;
	const seen = remembered.get(digest);
	const moved = seen === undefined ? `now it ${describe(present)}` : differences(seen, present);
	throw new OperationError("plan-stale", `the plan for ${present.resource} is not true any more: ${moved}`);
}

function describe({ stops, replaces, adds, removes }: PlanFacts): string {
	return `would stop ${listStops(stops)}, replace ${replaces}, add ${adds} and remove ${removes}`;
}

function differences(seen: PlanFacts, present: PlanFacts): string {
	const parts = (["replaces", "adds", "removes"] as const)
		.filter((key) => seen[key] !== present[key])
		.map((key) => `it ${key} ${present[key]} instead of ${seen[key]}`);
	const [before, now] = [listStops(seen.stops), listStops(present.stops)];
	if (before !== now) parts.push(`it stops ${now} instead of ${before}`);
	if (seen.archive !== present.archive)
		parts.push(`it is of archive ${present.archive} instead of ${seen.archive}`);
	return parts.length === 0 ? "another folder or archive is in its place" : parts.join("; ");
}

function listStops(stops: PlanFacts["stops"]): string {
	return stops.length === 0 ? "nothing" : stops.map(({ name, state }) => `${name} (${state})`).join(", ");
}
