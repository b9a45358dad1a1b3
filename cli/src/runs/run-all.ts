import type { Request, ResultLine, RunId } from "@davit/protocol";
import { CommandError } from "../command-error.ts";
import { type Context, flagOption, type Invocation } from "../context.ts";
import { callFor } from "../door/call.ts";
import { durationOption } from "../options.ts";
import { say, writeError } from "../output/write.ts";
import { reportDetached } from "./detach.ts";
import { resultOfError } from "./result.ts";
import { watchRuns } from "./watch-runs.ts";

interface Wanted {
	readonly subject: string;
	readonly request: Request;
}

/**
 * Asks for one run a word, all resolved before the first is asked for, then watches them to their end. What the coordinator
 * refuses does not keep the others from running; the command ends as `judgeParts` says of all.
 */
export async function runAll(
	invocation: Invocation,
	{ context, identify }: { context: Context; identify: "archive" | "run" },
	want: (word: string) => Promise<Wanted>,
): Promise<number> {
	const timeoutSeconds = durationOption(invocation, "timeout");
	const wanted: Wanted[] = [];
	for (const word of invocation.words) wanted.push(await want(word));
	const runs: RunId[] = [];
	const refused: ResultLine[] = [];
	for (const { subject, request } of wanted) {
		try {
			const started = await callFor(
				"davit/started/1",
				{ method: "POST", path: "/requests", body: request },
				context,
			);
			runs.push(started.run);
			if (started.joined)
				say(context, `${started.run} was already under way for ${subject}; it serves this too`);
		} catch (error) {
			if (!(error instanceof CommandError) || wanted.length === 1) throw error;
			writeError(context, error, "told");
			refused.push(resultOfError(error, undefined));
		}
	}
	if (flagOption(invocation, "detach"))
		return await reportDetached({ runs: [...new Set(runs)], refused }, context);
	return await watchRuns({ runs: [...new Set(runs)], identify, timeoutSeconds, refused }, context);
}
