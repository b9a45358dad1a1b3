type Answers<Tasks extends readonly unknown[]> = { -readonly [Index in keyof Tasks]: Awaited<Tasks[Index]> };

/**
 * Waits for all that `start` begins. When one fails the others are told to end through the signal, and are waited for:
 * once this throws, nothing goes on in the background.
 */
export async function together<Tasks extends readonly Promise<unknown>[] | []>(
	signal: AbortSignal,
	start: (signal: AbortSignal) => Tasks,
): Promise<Answers<Tasks>> {
	const failed = new AbortController();
	const tasks = start(AbortSignal.any([signal, failed.signal]));
	for (const task of tasks) task.catch((error: unknown) => failed.abort(error));
	await Promise.allSettled(tasks);
	failed.signal.throwIfAborted();
	return Promise.all(tasks);
}
