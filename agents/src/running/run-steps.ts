import { type FailureReport, failureReport, OperationError } from "@davit/protocol";
import { type Facts, setFacts } from "../journal/operations.ts";
import { beginStep, type Output } from "../journal/steps.ts";
import type { Step } from "../operation.ts";
import { persist } from "./persist.ts";
import { undoSteps } from "./undo-steps.ts";
import {
	type Begun,
	begun,
	type Ending,
	failed,
	isPastCommit,
	probe,
	probeLimitMs,
	reasonOf,
	settled,
	shorten,
	stepAt,
	stepLimitMs,
	stepsOf,
	type Work,
	writeDone,
} from "./work.ts";

interface NumberedStep {
	readonly number: number;
	readonly step: Step;
}

/**
 * Runs an operation from its beginning: every intent is on the disk before its effect, every output after it. What fails before
 * the commit point is undone, newest step first; after it the operation only goes forward.
 */
export async function runSteps(work: Work): Promise<Ending> {
	const { accepted, handler, journal, signal } = work;
	let facts: Facts;
	try {
		// The parameters were parsed by the catalogue's schema of this very operation.
		facts = await handler.prepare(accepted.params as never, work.context(), signal);
		signal.throwIfAborted();
	} catch (error) {
		const failure = reasonOf(error, signal);
		return failure.code === "resource-busy" ? { state: "rejected", failure } : failed(failure);
	}
	journal.write("prepared", (database) => setFacts(database, accepted.command, facts));
	// The same facts as after a restart, not the objects they were made of.
	return settled(() => goOn({ ...work, facts: JSON.parse(JSON.stringify(facts)) as Facts }, 0));
}

/** Runs the steps from `first` on, to the end or back. */
export async function goOn(work: Begun, first: number): Promise<Ending> {
	const { operation, resource } = work.accepted;
	const steps = await persist(
		async () => stepsOf(work),
		`the steps of ${operation} of ${resource} cannot be told`,
		{ ...work, limitMs: probeLimitMs },
	);
	for (const [number, step] of steps.entries()) {
		if (number < first) continue;
		work.onStep(shorten(step.name));
		if (isPastCommit(work)) {
			await insistOn(work, { number, step });
			continue;
		}
		const commits = number === commitNumber(steps);
		const failure = await tryStep(work, { number, step, commits });
		if (failure !== undefined) return undoSteps(work, failure);
	}
	return resultOf(work);
}

/** A step before or at the commit point; returns why it has to be undone. */
async function tryStep(
	work: Begun,
	{ number, step, commits }: NumberedStep & { readonly commits: boolean },
): Promise<FailureReport | undefined> {
	const { journal, accepted, signal } = work;
	try {
		signal.throwIfAborted();
		journal.requireSpace();
	} catch (error) {
		return reasonOf(error, signal);
	}
	const { name, intent } = step;
	journal.write(`intent ${name}`, (database) =>
		beginStep(database, accepted.command, { number, name, intent, commits }),
	);
	let output: Output | undefined;
	try {
		output = await step.run(signal);
	} catch (error) {
		const isDone = commits && (await probe(work, { number, name })) === "complete";
		if (!isDone) return reasonOf(error, signal);
	}
	writeDone(work, { number, name }, output);
	return undefined;
}

/** A step after the commit point. */
async function insistOn(work: Begun, { number, step }: NumberedStep): Promise<void> {
	const { journal, accepted } = work;
	const { name, intent } = step;
	journal.write(`intent ${name}`, (database) =>
		beginStep(database, accepted.command, { number, name, intent, commits: false }),
	);
	const output = await persist(
		(signal) => stepAt(work, { number, name }).run(signal),
		`${accepted.operation} of ${accepted.resource} is past its commit point, and its step ${name} fails`,
		{ ...work, limitMs: stepLimitMs },
	);
	writeDone(work, { number, name }, output);
}

function resultOf(work: Begun): Ending {
	const outputs = new Map<string, Output>();
	for (const { name, output } of begun(work)) {
		if (output !== undefined) outputs.set(name, output);
	}
	try {
		return work.handler.result(work.facts, outputs);
	} catch (error) {
		const { operation, resource } = work.accepted;
		throw new OperationError(
			"inconsistent",
			`${operation} of ${resource} was done, but what came of it cannot be told: ${failureReport(error).message}`,
			{ cause: error },
		);
	}
}

/** An operation that names no commit point commits with its last step. */
function commitNumber(steps: readonly Step[]): number {
	const named = steps.findIndex(({ commits }) => commits === true);
	return named === -1 ? steps.length - 1 : named;
}
