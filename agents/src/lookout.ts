import { setTimeout as sleep } from "node:timers/promises";
import { type Logger, OperationError } from "@davit/protocol";
import { connectEngine, type Engine } from "./docker/engine.ts";
import { type Found, type LookContext, lookAround, type View } from "./inventory.ts";

/** Keeps an eye on the host: the engine may come, change and go. */
export interface Lookout extends AsyncDisposable {
	/** What was found last. */
	readonly view: View;
}

export interface LookoutContext extends LookContext {
	readonly log: Logger;
	/** Called with each view that differs from the one before, at most twice a second; the first is returned, not told. */
	readonly onChange: (view: View) => void;
}

/** Events within this time make one look. */
const coalesceMs = 500;
/** How often an engine that is not there is asked for, at first and at most. */
const firstRetryMs = 1_000;
const longestRetryMs = 15_000;

/** Looks once, then follows the engine's events and finds the engine again whenever it went. Closing it ends both. */
export async function openLookout(context: LookoutContext, signal: AbortSignal): Promise<Lookout> {
	const closing = new AbortController();
	const during = AbortSignal.any([signal, closing.signal]);
	let view = await look(await findEngine(context, during), context, during);
	const tell = (next: View): void => {
		if (isSameView(view, next)) return;
		view = next;
		context.onChange(next);
	};
	const following = followForever(context, tell, during).catch((error: unknown) => {
		if (!during.aborted) throw error;
	});
	return {
		get view() {
			return view;
		},
		async [Symbol.asyncDispose]() {
			closing.abort();
			await following;
		},
	};
}

async function followForever(
	context: LookoutContext,
	tell: (view: View) => void,
	signal: AbortSignal,
): Promise<never> {
	let retryMs = firstRetryMs;
	for (;;) {
		const found = await findEngine(context, signal);
		const reason =
			found.engine === undefined
				? found.reason
				: await followUntilGone(found.engine, { context, tell, signal });
		if (found.engine !== undefined) {
			context.log.warn({ error: reason }, "the Docker engine went away");
			retryMs = firstRetryMs;
		}
		tell(await look({ engine: undefined, reason }, context, signal));
		await sleep(retryMs, undefined, { signal });
		retryMs = Math.min(retryMs * 2, longestRetryMs);
	}
}

interface Following {
	readonly context: LookoutContext;
	readonly tell: (view: View) => void;
	readonly signal: AbortSignal;
}

/** Returns why the engine can be followed no longer. */
async function followUntilGone(engine: Engine, { context, tell, signal }: Following): Promise<unknown> {
	const ended = new AbortController();
	const during = AbortSignal.any([signal, ended.signal]);
	try {
		const events = await engine.events(during);
		tell(await lookAround({ engine }, context, during));
		let isDirty = false;
		let isLooking = false;
		const lookUntilClean = async (): Promise<void> => {
			isLooking = true;
			while (isDirty) {
				await sleep(coalesceMs, undefined, { signal: during });
				// What happens from here on may not be in this look, so it makes another.
				isDirty = false;
				tell(await lookAround({ engine }, context, during));
			}
			isLooking = false;
		};
		for await (const _event of events) {
			isDirty = true;
			if (!isLooking) lookUntilClean().catch((error: unknown) => ended.abort(error));
		}
		return new OperationError("docker-unreachable", `the Docker engine at ${engine.socketPath} ended`, {
			hint: "sudo systemctl start docker",
		});
	} catch (error) {
		signal.throwIfAborted();
		return ended.signal.aborted ? ended.signal.reason : error;
	} finally {
		ended.abort();
	}
}

async function findEngine({ config }: LookoutContext, signal: AbortSignal): Promise<Found> {
	if (config.dockerSocket === null) return { engine: undefined, reason: undefined };
	try {
		return { engine: await connectEngine(config.dockerSocket, signal) };
	} catch (reason) {
		signal.throwIfAborted();
		if (!(reason instanceof OperationError)) throw reason;
		return { engine: undefined, reason };
	}
}

/** An engine that goes while it is looked at is one that is not there. */
async function look(found: Found, context: LookoutContext, signal: AbortSignal): Promise<View> {
	try {
		return await lookAround(found, context, signal);
	} catch (reason) {
		signal.throwIfAborted();
		if (!(reason instanceof OperationError)) throw reason;
		return lookAround({ engine: undefined, reason }, context, signal);
	}
}

function isSameView(left: View, right: View): boolean {
	return factsOf(left) === factsOf(right);
}

function factsOf({ inventory, capabilities }: View): string {
	return JSON.stringify([{ ...inventory, at: "" }, capabilities]);
}
