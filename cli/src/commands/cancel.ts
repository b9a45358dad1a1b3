import { type Context, type Invocation, wordAt } from "../context.ts";
import { callFor } from "../door/call.ts";
import { writeAnswer } from "../output/write.ts";
import { findRun } from "./watch.ts";

/** Asks a run to stop; what it began is undone by its host. */
export async function cancel(invocation: Invocation, context: Context): Promise<number> {
	const run = await findRun(wordAt(invocation, 0), context);
	const document = await callFor(
		"davit/run/1",
		{ method: "POST", path: `/runs/${run}/cancel`, body: {} },
		context,
	);
	writeAnswer(context, {
		document,
		ids: [run],
		text: () => `asked to cancel ${run}; it is ${document.run.state} now (davit watch ${run} shows its end)`,
	});
	return 0;
}
