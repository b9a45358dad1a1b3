import type { FailureCode, ResultLine, RunDocument, RunPart } from "@davit/protocol";
import { type CommandError, exitCodes } from "../command-error.ts";
import { runsOfParts } from "./parts.ts";

/** The last line of what runs, from a run that has ended; of one with parts it follows from theirs. */
export async function resultOf(document: RunDocument): Promise<ResultLine> {
	const { run, parts } = document;
	if (parts === undefined) return await resultOfRun(document);
	const ended = await Promise.all(parts.map((part) => resultOfPart(document, part)));
	return { ...(await resultOfSeveral(ended)), run: run.run, hint: run.failure?.hint ?? null };
}

async function resultOfPart(whole: RunDocument, part: RunPart): Promise<ResultLine> {
	const [begun] = runsOfParts({ ...whole, parts: [part] });
	if (begun !== undefined) return await resultOfRun(begun);
	const outcome = endedOutcome(part.state);
	const { failure, resource } = part;
	return {
		...{ type: "result", schema: "davit/result/1", run: null, outcome, archive: null },
		code: failure?.code ?? null,
		message: failure?.message ?? `backup of ${whole.run.host}/${resource} was never begun: ${outcome}`,
		...{ hint: failure?.hint ?? null, downtimeSeconds: null, undoUntil: null },
		exitCode: await exitCodeOf(outcome, failure?.code),
	};
}

async function resultOfRun(document: RunDocument): Promise<ResultLine> {
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

/** Which part tells what went wrong with the whole: the first of these that there is. */
const severity: readonly number[] = [
	exitCodes.inconsistent,
	exitCodes.unreachable,
	exitCodes.unproven,
	exitCodes.failed,
	exitCodes.partial,
];

/** One line for several runs, which follows from what became of each and nothing else; one run's own when it is alone. */
export async function resultOfAll(results: readonly ResultLine[]): Promise<ResultLine> {
	const [first] = results;
	if (first === undefined) return nothingRan();
	return results.length === 1 ? first : await resultOfSeveral(results);
}

async function resultOfSeveral(results: readonly ResultLine[]): Promise<ResultLine> {
	const { judgeParts } = await import("@davit/protocol");
	// What was left alone goes on, as far as anybody here knows.
	const states = results.map(({ outcome }) => (outcome === "detached" ? "running" : outcome));
	const outcome = endedOutcome(judgeParts(states));
	const [worst = nothingRan()] = [...results].sort((one, other) => rank(one) - rank(other));
	const done = results.filter((result) => result.outcome === "succeeded").length;
	return {
		...{ ...worst, run: null, archive: null, downtimeSeconds: null, undoUntil: null },
		outcome,
		exitCode: exitCodeOfAll(outcome, results),
		message:
			outcome === "succeeded"
				? `${done} of ${done} succeeded`
				: `${done} of ${results.length} succeeded; ${worst.message}`,
		parts: results.map(partOf),
	};
}

/** What makes a whole worse than its outcome says keeps its own code; so does what is wrong with all parts alike. */
function exitCodeOfAll(outcome: ResultLine["outcome"], results: readonly ResultLine[]): number {
	if (outcome === "succeeded") return exitCodes.done;
	const codes = results.map(({ exitCode }) => exitCode);
	if (codes.includes(exitCodes.inconsistent)) return exitCodes.inconsistent;
	const [code = exitCodes.failed] = codes;
	if (code !== exitCodes.done && codes.every((other) => other === code)) return code;
	if (outcome === "detached")
		return codes.includes(exitCodes.unreachable) ? exitCodes.unreachable : exitCodes.detached;
	if (codes.includes(exitCodes.unproven)) return exitCodes.unproven;
	return outcome === "partial" ? exitCodes.partial : exitCodes.failed;
}

function partOf({ run, outcome, archive, code, message, downtimeSeconds, exitCode }: ResultLine) {
	return { run, outcome, archive, code, message, downtimeSeconds, exitCode };
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
