import { lchownSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { answerJob, type JobMessage } from "../files/answer-job.ts";
import type { FileContext } from "../files/job.ts";
import { performFileJob } from "../files/perform-job.ts";
import { syncPath } from "../files/sync-tree.ts";
import { performPlaceJob } from "../resource/place-job.ts";
import { isFileJob, type ReachJob } from "../resource/reach-job.ts";

// The first process of a helper container: does the one job on the first line of its input, and says so in lines of JSON. Its input
// ends when the agent does, and it with it, so that nothing goes on without the agent.

/** A cancel ends the whole container. */
const never = new AbortController().signal;
const lines = createInterface({ input: process.stdin });
lines.once("line", (line) => {
	// Only the agent that made this container can speak to it.
	const job = JSON.parse(line) as ReachJob;
	const perform = (context: FileContext) => performAsAgent(job, context);
	void answerJob(perform, never, say).then((last) => {
		say(last);
		process.exit(0);
	});
});
lines.once("close", () => process.exit(1));

function say(message: JobMessage): void {
	process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function performAsAgent(job: ReachJob, context: FileContext): Promise<unknown> {
	if (!isFileJob(job)) return performPlaceJob(job);
	const result = await performFileJob(job, context);
	if (job.kind === "pack") giveToOwner(job.directory);
	return result;
}

/** What was written belongs to whoever the folder belongs to. */
function giveToOwner(directory: string): void {
	const { uid, gid } = lstatSync(directory);
	for (const name of readdirSync(directory)) {
		lchownSync(join(directory, name), uid, gid);
		syncPath(join(directory, name));
	}
	syncPath(directory);
}
