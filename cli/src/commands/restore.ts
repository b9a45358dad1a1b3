import type { PlanAction, PlanDocument, RestoreChoice } from "@davit/protocol";
import { type ResourceAddress, resolveArchive, resolveResource } from "../address.ts";
import { CommandError, exitCodes, usageError } from "../command-error.ts";
import { type Context, flagOption, type Invocation, listOption, textOption, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { innerPath } from "../options.ts";
import { describePlan } from "../output/describe.ts";
import { say, writeAnswer } from "../output/write.ts";
import { applyPlan } from "../runs/apply-plan.ts";

/** Plans a restore, shows the plan, and carries it out once the resource's name was given. */
export async function restore(invocation: Invocation, context: Context): Promise<number> {
	const choice = readChoice(invocation);
	const { host, resource, archive } = await resolveArchive(wordAt(invocation, 0), context);
	const action = { action: "restore", archive, ...choice } as const;
	return await planThenApply(invocation, { wanted: { host, resource }, action }, context);
}

/** What of an archive, how and where. @throws CommandError usage */
function readChoice(invocation: Invocation): RestoreChoice {
	const paths = listOption(invocation, "path").map(innerPath);
	const as = textOption(invocation, "as");
	const isMerge = flagOption(invocation, "merge");
	if (isMerge && as !== undefined) {
		throw usageError("--as makes something new, so --merge has no place beside it", "leave one of them out");
	}
	return {
		...(paths.length === 0 ? {} : { paths }),
		...(isMerge ? { merge: true } : {}),
		...(as === undefined ? {} : { as }),
	};
}

/** The same for going back to what a restore replaced. */
export async function undo(invocation: Invocation, context: Context): Promise<number> {
	const wanted = await resolveResource(wordAt(invocation, 0), context);
	return await planThenApply(invocation, { wanted, action: { action: "undo" } }, context);
}

async function planThenApply(
	invocation: Invocation,
	{ wanted, action }: { wanted: ResourceAddress; action: PlanAction },
	context: Context,
): Promise<number> {
	const isPlanOnly = flagOption(invocation, "plan");
	if (isPlanOnly && invocation.options["confirm"] !== undefined) {
		throw usageError("--plan changes nothing, so --confirm has no place beside it", "leave one of them out");
	}
	const body = { host: wanted.host, resource: wanted.resource, action };
	const plan = await callFor("davit/plan/1", { method: "POST", path: "/plans", body }, context);
	if (isPlanOnly) return answerPlan(plan, context);
	say(context, describePlan(plan, context));
	if (plan.state === "blocked") throw blocked(plan);
	return await applyPlan(plan, invocation, context);
}

/** `--plan` prints the plan, with `--json` the one document of it. */
function answerPlan(plan: PlanDocument, context: Context): number {
	const error = plan.state === "blocked" ? blocked(plan) : undefined;
	writeAnswer(context, { document: plan, ids: [plan.plan], text: () => describePlan(plan, context) });
	if (error === undefined) {
		say(context, `do    davit apply ${plan.plan} --confirm ${plan.confirm}`);
		return exitCodes.done;
	}
	return error.exitCode;
}

function blocked(plan: PlanDocument): CommandError {
	const [first] = plan.facts.blockers;
	return new CommandError(`plan ${plan.plan} cannot run: ${first?.message ?? "it is blocked"}`, {
		code: first?.code ?? "resource-busy",
		exitCode: exitCodes.blocked,
		why: plan.facts.blockers.slice(1).map((blocker) => blocker.message),
		next: first?.hint ?? "davit status",
	});
}
