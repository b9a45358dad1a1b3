import type { RunId } from "@davit/protocol";
import { resolveAddress } from "../address.ts";
import { usageError } from "../command-error.ts";
import type { Context, Invocation } from "../context.ts";
import { callFor } from "../door/call.ts";
import { durationOption } from "../options.ts";
import { say } from "../output/write.ts";
import { watchRuns } from "../runs/watch-runs.ts";

/** Follows one run, or all that are under way now. */
export async function watch(invocation: Invocation, context: Context): Promise<number> {
	const timeoutSeconds = durationOption(invocation, "timeout");
	const [word] = invocation.words;
	const runs = word === undefined ? await runningNow(context) : [await findRun(word, context)];
	if (runs.length === 0) say(context, "nothing is running");
	return await watchRuns({ runs, identify: "run", timeoutSeconds }, context);
}

/** The run of that id. @throws CommandError when the word names something else */
export async function findRun(word: string, context: Context): Promise<RunId> {
	const { run } = await resolveAddress(word, context);
	if (run !== null) return run;
	throw usageError(`${word} is not a run`, "davit list runs");
}

async function runningNow(context: Context): Promise<RunId[]> {
	const { now } = await callFor("davit/status/1", { method: "GET", path: "/" }, context);
	return now.map((run) => run.run);
}
