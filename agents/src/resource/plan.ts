import { resourceOf } from "@davit/protocol";
import type { Reading } from "../operation.ts";
import { rememberPlan } from "./remember-plans.ts";
import { surveySwap } from "./survey-swap.ts";

/** Says what a restore or an undo would do. What stands against it is part of the answer. */
export const plan: Reading<"volume.plan" | "path.plan"> = {
	async read(params, context, signal) {
		const survey = await surveySwap(resourceOf(params), params.action, { context, signal });
		rememberPlan(survey.plan);
		return { state: "succeeded", result: survey.plan };
	},
};
