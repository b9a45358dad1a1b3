import { OperationError } from "@davit/protocol";
import { interruptedFailure } from "./persist.ts";
import { goOn } from "./run-steps.ts";
import { undoSteps } from "./undo-steps.ts";
import { type Begun, begun, type Ending, failed, probe, settled, type Work, writeDone } from "./work.ts";

/** More lives than this that found it unended, and a person must look at it. */
const loadsAtMost = 5;

/** Takes up an operation that an earlier life of the agent left: finishes it after its commit point, else undoes it. */
export async function recoverSteps(work: Work): Promise<Ending> {
	const { accepted } = work;
	if (accepted.facts === undefined) return failed(interruptedFailure);
	const taken: Begun = { ...work, facts: accepted.facts };
	return settled(async () => {
		if (accepted.loads > loadsAtMost) {
			throw new OperationError(
				"inconsistent",
				`${accepted.operation} of ${accepted.resource} was begun or taken up ${accepted.loads} times and never ended`,
			);
		}
		if (accepted.failure !== undefined) return undoSteps(taken, accepted.failure);
		const next = await nextAfterCrash(taken);
		return next === undefined ? undoSteps(taken, interruptedFailure) : goOn(taken, next);
	});
}

/** The step to go forward with, or undefined where it must be undone. */
async function nextAfterCrash(work: Begun): Promise<number | undefined> {
	const rows = begun(work);
	const last = rows.at(-1);
	if (last === undefined) return undefined;
	const isPastCommit = rows.some(({ commits, state }) => commits && state === "done");
	if (last.state === "done") return isPastCommit ? last.number + 1 : undefined;
	if (!isPastCommit && !last.commits) return undefined;
	if ((await probe(work, last)) !== "complete") return isPastCommit ? last.number : undefined;
	writeDone(work, last, undefined);
	return last.number + 1;
}
