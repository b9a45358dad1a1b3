import { handlers } from "@davit/agents/handlers.ts";
import type { Operation, OperationContext, Outcome } from "@davit/agents/operation.ts";
import type { OperationName, Params } from "@davit/protocol";

type Facts = Readonly<Record<string, unknown>>;
type Output = Readonly<Record<string, unknown>>;

export interface Interference {
	readonly signal?: AbortSignal;
	/** Called before the step of this name runs; what it throws fails the step. */
	readonly before?: Readonly<Record<string, () => unknown>>;
	/** The agent dies once this step has run: nothing in memory is left, and its output was never written. */
	readonly dieAfter?: string;
}

/** Thrown in the place of an outcome where the agent died and its next life undid the operation. */
export class Died extends Error {}

/** Runs an operation as the agent does: facts as JSON, steps in order, and newest first undone by steps made anew. */
export async function perform<Name extends OperationName>(
	name: Name,
	params: Params<Name>,
	{ context, ...interference }: Interference & { readonly context: OperationContext },
): Promise<Outcome<Name>> {
	const handler = handlers[name];
	const signal = interference.signal ?? AbortSignal.timeout(120_000);
	if ("read" in handler) {
		// A handler stands under its own name in the table.
		return handler.read(params, context, signal) as Promise<Outcome<Name>>;
	}
	// Facts are whatever the same operation's `prepare` gave, and go through JSON as in the journal.
	const operation = handler as unknown as Operation<Name, Facts>;
	const facts = JSON.parse(JSON.stringify(await operation.prepare(params, context, signal))) as Facts;
	return runSteps(operation, { facts, context, signal, interference });
}

interface Performance {
	readonly facts: Facts;
	readonly context: OperationContext;
	readonly signal: AbortSignal;
	readonly interference: Interference;
}

async function runSteps<Name extends OperationName>(
	operation: Operation<Name, Facts>,
	{ facts, context, signal, interference }: Performance,
): Promise<Outcome<Name>> {
	const outputs = new Map<string, Output>();
	let isCommitted = false;
	const begun: number[] = [];
	for (const [index, step] of operation.steps(facts, context).entries()) {
		begun.push(index);
		try {
			await interference.before?.[step.name]?.();
			const again = isCommitted ? operation.steps(facts, context)[index] : step;
			const output = await again?.run(signal);
			if (step.name === interference.dieAfter) throw new Died(step.name);
			if (output !== undefined) outputs.set(step.name, JSON.parse(JSON.stringify(output)));
		} catch (error) {
			const again = operation.steps(facts, context)[index];
			if (isCommitted || (step.commits === true && (await again?.probe()) === "complete")) {
				if (!(error instanceof Died)) throw error;
			} else {
				await undoAll(begun, () => operation.steps(facts, context));
				throw error;
			}
		}
		isCommitted ||= step.commits === true;
	}
	return operation.result(facts, outputs);
}

async function undoAll(begun: readonly number[], steps: () => ReturnType<Operation<never, never>["steps"]>) {
	for (const index of begun.toReversed()) await steps()[index]?.undo();
}
