import { type FailureReport, failures, OperationError } from "@davit/protocol";

/** Waits without a timer of its own, so that a simulation owns time; rejects when `signal` is aborted. */
export type Wait = (durationMs: number, signal: AbortSignal) => Promise<void>;

/** Between attempts at what must be done and cannot be given up lightly; five minutes in all. */
const pausesMs = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 60_000, 60_000, 60_000, 60_000];
const pausesOfDefects = 2;

export interface Persistence {
	readonly wait: Wait;
	/** The agent closes: what is not done is left to its next life. */
	readonly closing: AbortSignal;
	/** Each attempt gets so long. */
	readonly limitMs: number;
}

/**
 * Tries what must succeed again and again: an undo, a probe, a step after the commit point. Failures that may pass by
 * themselves (no Docker engine yet) get five minutes, others three attempts.
 * @throws OperationError inconsistent, when it gave up
 */
export async function persist<Value>(
	attempt: (signal: AbortSignal) => Promise<Value>,
	what: string,
	{ wait, closing, limitMs }: Persistence,
): Promise<Value> {
	for (let tried = 0; ; tried += 1) {
		try {
			return await within(attempt, limitMs, { wait, closing });
		} catch (error) {
			closing.throwIfAborted();
			const pauseMs = pausesMs[tried];
			if (pauseMs === undefined || (tried >= pausesOfDefects && !mayPass(error))) throw givenUp(what, error);
			await wait(pauseMs, closing);
		}
	}
}

/** The attempt's outcome; it is abandoned, with its signal aborted, when the time is over. */
async function within<Value>(
	attempt: (signal: AbortSignal) => Promise<Value>,
	limitMs: number,
	{ wait, closing }: Pick<Persistence, "wait" | "closing">,
): Promise<Value> {
	const over = new AbortController();
	const settled = new AbortController();
	const timer = wait(limitMs, AbortSignal.any([settled.signal, closing])).then(
		() => {
			const error = new OperationError("deadline-passed", `it did not end within ${limitMs / 1000} s`);
			over.abort(error);
			throw error;
		},
		(stopped: unknown) => {
			if (closing.aborted) over.abort(stopped);
			throw stopped;
		},
	);
	try {
		return await Promise.race([attempt(over.signal), timer]);
	} finally {
		settled.abort();
	}
}

function mayPass(error: unknown): boolean {
	return (
		error instanceof OperationError && error.code !== "deadline-passed" && failures[error.code].retryable
	);
}

function givenUp(what: string, cause: unknown): OperationError {
	const reason = cause instanceof Error ? cause.message : String(cause);
	return new OperationError("inconsistent", `${what}: ${reason}`, {
		cause,
		...(cause instanceof OperationError ? { hint: cause.hint } : {}),
	});
}

/** Whether a failure says that nobody can tell what state the resource is in. */
export function isInconsistent(error: unknown): error is OperationError {
	return error instanceof OperationError && error.code === "inconsistent";
}

/** What a person is told of an operation that was given up because the agent ended. */
export const interruptedFailure: FailureReport = {
	code: "interrupted",
	message: "the agent ended in the middle of it",
	hint: failures.interrupted.advice,
	retryable: failures.interrupted.retryable,
};
