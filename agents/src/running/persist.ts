import { type FailureReport, failures, firstThrown, OperationError } from "@davit/protocol";

/** Waits without a timer of its own, so that a simulation owns time; rejects when `signal` is aborted. */
export type Wait = (durationMs: number, signal: AbortSignal) => Promise<void>;

/** Between attempts at what must be done and cannot be given up lightly; five minutes in all. */
const pausesMs = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 60_000, 60_000, 60_000, 60_000];
const pausesOfDefects = 2;
/** Between looks for an engine that is away, at most. */
const longestAwayMs = 15_000;

export interface Persistence {
	readonly wait: Wait;
	/** The agent closes: what is not done is left to its next life. */
	readonly closing: AbortSignal;
	/** The agent was asked to end: it goes on, but waits for no engine any more. Aborted with `closing` too. */
	readonly leaving: AbortSignal;
	/** Each attempt gets so long. */
	readonly limitMs: number;
	/** An engine is away and is waited for; told before each pause. */
	readonly onAway: (failure: OperationError) => void;
}

/**
 * Tries what must succeed again and again: an undo, a probe, a step after the commit point. A Docker engine that is away is
 * waited for as long as it takes, because services may be down until it is back; other failures that may pass by themselves get
 * five minutes, the rest three attempts.
 * @throws OperationError inconsistent, when it gave up
 */
export async function persist<Value>(
	attempt: (signal: AbortSignal) => Promise<Value>,
	what: string,
	persistence: Persistence,
): Promise<Value> {
	const { wait, closing, limitMs } = persistence;
	for (let [tried, away] = [0, 0]; ; ) {
		try {
			return await within(attempt, limitMs, { wait, closing });
		} catch (thrown) {
			closing.throwIfAborted();
			const error = firstThrown(thrown);
			if (isEngineAway(error)) {
				await awaitEngine(error, away, persistence);
				away += 1;
				continue;
			}
			const pauseMs = pausesMs[tried];
			if (pauseMs === undefined || (tried >= pausesOfDefects && !mayPass(error))) throw givenUp(what, error);
			await wait(pauseMs, closing);
			tried += 1;
		}
	}
}

/** A pause before the engine is looked for again. Throws why the agent leaves, where it does. */
async function awaitEngine(
	failure: OperationError,
	round: number,
	{ wait, leaving, onAway }: Persistence,
): Promise<void> {
	onAway(failure);
	leaving.throwIfAborted();
	try {
		await wait(Math.min(1_000 * 2 ** Math.min(round, 4), longestAwayMs), leaving);
	} catch (error) {
		leaving.throwIfAborted();
		throw error;
	}
}

function isEngineAway(error: unknown): error is OperationError {
	return error instanceof OperationError && error.code === "docker-unreachable";
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
	if (!(error instanceof OperationError) || error.code === "deadline-passed") return false;
	// What it needs may come up after the engine: a network share, a device, a port.
	return error.code === "container-not-resumed" || failures[error.code].retryable;
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
