import type { ResultLine, RunId } from "@davit/protocol";
import type { Context } from "../context.ts";
import { writeJson } from "../output/write.ts";
import { resultOfAll, resultOfDetached } from "./result.ts";

/** Says which runs go on, and goes. Exit 9: they are still running. */
export async function reportDetached(
	{ runs, refused = [] }: { runs: readonly RunId[]; refused?: readonly ResultLine[] },
	context: Context,
): Promise<number> {
	const detached = runs.map((run) => ({
		...resultOfDetached(undefined, `${run} goes on`),
		run,
		hint: `davit watch ${run}`,
	}));
	const result = await resultOfAll([...refused, ...detached]);
	if (context.wish.json) {
		writeJson(context.out, result);
	} else {
		for (const run of runs)
			context.out.write(context.wish.quiet ? `${run}\n` : `${run} goes on; davit watch ${run}\n`);
	}
	return result.exitCode;
}
