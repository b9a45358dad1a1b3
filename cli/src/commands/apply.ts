import { usageError } from "../command-error.ts";
import { type Context, type Invocation, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { describePlan } from "../output/describe.ts";
import { say } from "../output/write.ts";
import { applyPlan } from "../runs/apply-plan.ts";

/** Shows a plan that was made before, then carries out exactly that one. */
export async function apply(invocation: Invocation, context: Context): Promise<number> {
	const id = wordAt(invocation, 0);
	if (!/^p[a-z2-7]{8}$/.test(id)) {
		throw usageError(`${id} is not a plan's id`, "davit restore ADDRESS@ARCHIVE --plan", [
			"a plan's id is p and eight of a-z, 2-7",
		]);
	}
	const plan = await callFor("davit/plan/1", { method: "GET", path: `/plans/${id}` }, context);
	say(context, describePlan(plan, context));
	return await applyPlan(plan, invocation, context);
}
