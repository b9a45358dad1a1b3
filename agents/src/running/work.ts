import {
	type FailureReport,
	type FinalState,
	failureReport,
	OperationError,
	type OperationName,
} from "@davit/protocol";
import type { Journal } from "../journal/journal.ts";
import type { Accepted, Facts } from "../journal/operations.ts";
import { type BegunStep, begunSteps, finishStep, type Output } from "../journal/steps.ts";
import type { Operation, OperationContext, Step, StepPresence } from "../operation.ts";
import { isInconsistent, persist, type Wait } from "./persist.ts";

/** How long one attempt at an undo, or at a step after the commit point, may take. */
export const stepLimitMs = 15 * 60_000;
export const probeLimitMs = 120_000;

export interface Work {
	readonly accepted: Accepted;
	readonly handler: Operation<OperationName>;
	/** Asked for again with each attempt: the engine may have come or gone. */
	readonly context: () => OperationContext;
	readonly journal: Journal;
	/** Aborted by a cancel, the deadline or the agent's end; asked no more after the commit point. */
	readonly signal: AbortSignal;
	/** The agent is gone: nothing more is begun, its next life decides. */
	readonly closing: AbortSignal;
	/** The agent was asked to end: what waits for an engine is left to its next life. */
	readonly leaving: AbortSignal;
	readonly wait: Wait;
	readonly onStep: (name: string) => void;
	/** The engine is away, and it cannot go on or back without. */
	readonly onAway: (failure: OperationError) => void;
}

/** How an operation ended. */
export interface Ending {
	readonly state: FinalState;
	readonly failure?: FailureReport;
	readonly result?: Readonly<Record<string, unknown>>;
}

/** Work whose facts are on the disk. */
export interface Begun extends Work {
	readonly facts: Facts;
}

export function probe(work: Begun, row: Pick<BegunStep, "number" | "name">): Promise<StepPresence> {
	const { operation, resource } = work.accepted;
	return persist(
		() => stepAt(work, row).probe(),
		`whether step ${row.name} of ${operation} of ${resource} happened cannot be told`,
		{ ...work, limitMs: probeLimitMs },
	);
}

export function writeDone(
	{ journal, accepted }: Begun,
	{ number, name }: Pick<BegunStep, "number" | "name">,
	output: Output | undefined,
): void {
	journal.write(`done ${name}`, (database) => finishStep(database, accepted.command, { number, output }));
}

export function begun({ journal, accepted }: Begun): readonly BegunStep[] {
	return journal.read((database) => begunSteps(database, accepted.command));
}

export function isPastCommit(work: Begun): boolean {
	return begun(work).some(({ commits, state }) => commits && state === "done");
}

export function stepsOf(work: Begun): readonly Step[] {
	return work.handler.steps(work.facts, work.context());
}

export function stepAt(work: Begun, { number, name }: Pick<BegunStep, "number" | "name">): Step {
	const step = stepsOf(work)[number];
	if (step?.name === name) return step;
	throw new OperationError(
		"inconsistent",
		`the journal has step ${name} where this Davit's ${work.accepted.operation} has ${step?.name ?? "none"}`,
		{ hint: "start the Davit that began it" },
	);
}

/** Turns the inconsistency that something threw into the ending that it is. */
export async function settled(work: () => Promise<Ending>): Promise<Ending> {
	try {
		return await work();
	} catch (error) {
		if (isInconsistent(error)) return { state: "inconsistent", failure: failureReport(error) };
		throw error;
	}
}

export function failed(failure: FailureReport): Ending {
	return { state: failure.code === "cancelled" ? "cancelled" : "failed", failure };
}

/** An aborted signal says why; what the step made of it does not matter. */
export function reasonOf(error: unknown, signal: AbortSignal): FailureReport {
	return failureReport(signal.aborted ? signal.reason : error);
}

/** A step's name as a report may have it: those of a stack hold the names of its folders. */
export function shorten(step: string): string {
	return step.length > 64 ? `${step.slice(0, 63)}…` : step;
}
