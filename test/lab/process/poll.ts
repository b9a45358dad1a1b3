import { setTimeout as sleep } from "node:timers/promises";

export type PollOptions = {
	/** What is awaited, for the message when it never comes. */
	readonly what: string;
	readonly timeoutMs: number;
	readonly intervalMs?: number;
	readonly signal: AbortSignal;
	/** Called when time is up, to say more about why. */
	readonly explain?: () => string | Promise<string>;
};

/**
 * Asks `probe` until it answers something other than undefined or false, and returns that answer.
 * Throws what `probe` throws, and an Error naming `what` once `timeoutMs` have passed.
 */
export async function pollUntil<Answer>(
	probe: () => Answer | undefined | false | Promise<Answer | undefined | false>,
	{ what, timeoutMs, intervalMs = 50, signal, explain }: PollOptions,
): Promise<Answer> {
	const deadline = performance.now() + timeoutMs;
	while (true) {
		signal.throwIfAborted();
		const answer = await probe();
		if (answer !== undefined && answer !== false) return answer;
		if (performance.now() > deadline) {
			throw new Error(`${what}: not within ${timeoutMs} ms${explain ? `\n${await explain()}` : ""}`);
		}
		await sleep(intervalMs, undefined, { signal });
	}
}
