import type { FailureCode, ResultLine, RunDocument } from "@davit/protocol";
import { type CommandError, exitCodes } from "../command-error.ts";

/** The last line of what runs, from a run that has ended. */
export async function resultOf(document: RunDocument): Promise<ResultLine> {
	const { run } = document;
	const outcome = endedOutcome(run.state);
	const failure = run.failure;
	return {
		type: "result",
		schema: "davit/result/1",
		run: run.run,
		outcome,
		archive: run.archive ?? null,
		code: failure?.code ?? null,
		message: failure?.message ?? `${run.operation} of ${run.host}/${run.resource} ${outcome}`,
		hint: failure?.hint ?? null,
		downtimeSeconds: document.downtimeSeconds,
		undoUntil: document.undo?.until ?? null,
		exitCode: await exitCodeOf(outcome, failure?.code),
	};
}

/** The last line when nothing ran, or nobody knows how it ended. */
export function resultOfError(error: CommandError, run: RunDocument["run"] | undefined): ResultLine {
	return {
		type: "result",
		schema: "davit/result/1",
		run: run?.run ?? null,
		outcome: run === undefined ? "rejected" : "detached",
		archive: null,
		code: error.code,
		message: error.message,
		hint: error.next,
		downtimeSeconds: null,
		undoUntil: null,
		exitCode: error.exitCode,
	};
}

/** The last line of a command that left its run alone while it goes on. */
export function resultOfDetached(run: RunDocument["run"] | undefined, message: string): ResultLine {
	return {
		type: "result",
		schema: "davit/result/1",
		run: run?.run ?? null,
		outcome: "detached",
		archive: null,
		code: null,
		message,
		hint: run === undefined ? "davit watch" : `davit watch ${run.run}`,
		downtimeSeconds: null,
		undoUntil: null,
		exitCode: exitCodes.detached,
	};
}

/** How bad it is; a command with several runs ends as its worst. */
const severity: readonly number[] = [
	exitCodes.inconsistent,
	exitCodes.unreachable,
	exitCodes.unproven,
	exitCodes.failed,
	exitCodes.partial,
];

/** One line for several runs; one run's own when it is alone. */
export function resultOfAll(results: readonly ResultLine[]): ResultLine {
	const [first] = results;
	if (first === undefined) return nothingRan();
	if (results.length === 1) return first;
	const worst = [...results].sort((one, other) => rank(one) - rank(other))[0] ?? first;
	const done = results.filter((result) => result.exitCode === exitCodes.done).length;
	return {
		...worst,
		run: null,
		archive: null,
		message:
			done === results.length
				? `${done} of ${done} succeeded`
				: `${done} of ${results.length} succeeded; ${worst.message}`,
	};
}

function nothingRan(): ResultLine {
	return {
		type: "result",
		schema: "davit/result/1",
		run: null,
		outcome: "succeeded",
		archive: null,
		code: null,
		message: "nothing is running",
		hint: null,
		downtimeSeconds: null,
		undoUntil: null,
		exitCode: exitCodes.done,
	};
}

function rank(result: ResultLine): number {
	if (result.exitCode === exitCodes.done) return severity.length + 2;
	const index = severity.indexOf(result.exitCode);
	return index === -1 ? severity.length + 1 : index;
}

function endedOutcome(state: RunDocument["run"]["state"]): ResultLine["outcome"] {
	const isGoing = state === "requested" || state === "accepted" || state === "running" || state === "unknown";
	return isGoing ? "detached" : state;
}

async function exitCodeOf(outcome: ResultLine["outcome"], code: FailureCode | undefined): Promise<number> {
	if (outcome === "succeeded") return exitCodes.done;
	if (outcome === "partial") return exitCodes.partial;
	if (outcome === "cancelled") return exitCodes.cancelled;
	if (outcome === "inconsistent") return exitCodes.inconsistent;
	if (outcome === "detached") return exitCodes.detached;
	if (code === undefined) return exitCodes.failed;
	// Only a run that failed pays for loading the table of failures.
	const { failures } = await import("@davit/protocol");
	return failures[code].exitCode;
}
