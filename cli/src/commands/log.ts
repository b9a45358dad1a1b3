import { type Context, type Invocation, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { formatClock, formatInstant } from "../output/format.ts";
import { shortAddress } from "../output/short-address.ts";
import { plain } from "../output/table.ts";
import { writeAnswer } from "../output/write.ts";
import { stepText } from "../runs/story.ts";
import { findRun } from "./watch.ts";

/** Prints a run's steps, oldest first. */
export async function log(invocation: Invocation, context: Context): Promise<number> {
	const run = await findRun(wordAt(invocation, 0), context);
	const document = await callFor("davit/run/1", { method: "GET", path: `/runs/${run}` }, context);
	writeAnswer(context, {
		document,
		ids: [run],
		text: () => {
			const head = `${run}  ${shortAddress(document.run)}  ${plain(document.run.operation)}  asked ${formatInstant(document.run.askedAt)}`;
			return [head, ...document.steps.map((step) => `  ${formatClock(step.at)}  ${stepText(step)}`)].join(
				"\n",
			);
		},
	});
	return 0;
}
