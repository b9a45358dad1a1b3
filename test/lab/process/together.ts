/**
 * Waits for all that `start` begins. When one fails the others are told to end through the signal, and are waited for:
 * once this throws, nothing goes on in the background.
 */
export async function together<Answers extends readonly unknown[]>(
	signal: AbortSignal,
	start: (signal: AbortSignal) => readonly [...{ [Index in keyof Answers]: Promise<Answers[Index]> }],
): Promise<Answers> {
	const failed = new AbortController();
	const tasks = start(AbortSignal.any([signal, failed.signal]));
	for (const task of tasks) task.catch((error: unknown) => failed.abort(error));
	await Promise.allSettled(tasks);
	failed.signal.throwIfAborted();
	// Promise.all types a mapped tuple as a list; each place holds what the task at that place answered.
	return (await Promise.all(tasks)) as unknown as Answers;
}
