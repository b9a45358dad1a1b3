import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { FailureCode, OperationError } from "@davit/protocol";
import type { JobMessage } from "./answer-job.ts";
import type { FileContext, FileJob, ResultOf } from "./job.ts";

/**
 * Does a job in a thread of its own, so that the agent goes on answering. Throws the signal's reason when it is cancelled, once the
 * thread has ended and holds nothing open.
 */
export async function runFileJob<Job extends FileJob>(
	job: Job,
	context: FileContext,
): Promise<ResultOf<Job>> {
	const { signal, onProgress } = context;
	signal.throwIfAborted();
	let last: Exclude<JobMessage, { progress: unknown }> | undefined;
	const worker = new Worker(new URL("./worker.ts", import.meta.url), {
		workerData: job,
		// What a walk makes dies at once; more room for it is only more memory.
		resourceLimits: { maxYoungGenerationSizeMb: 8 },
	});
	const cancel = () => worker.postMessage("cancel");
	signal.addEventListener("abort", cancel, { once: true });
	using _listening = { [Symbol.dispose]: () => signal.removeEventListener("abort", cancel) };
	worker.on("message", (message: JobMessage) => {
		if ("progress" in message) onProgress?.(message.progress);
		else last = message;
	});
	await once(worker, "exit");
	// A job of one kind is answered with that kind's result.
	return settle(last, signal) as ResultOf<Job>;
}

/** What a job's last message means: its result, or what to throw. */
export function settle(last: JobMessage | undefined, signal: AbortSignal): unknown {
	if (last !== undefined && "result" in last) return last.result;
	signal.throwIfAborted();
	if (last !== undefined && "failure" in last) {
		const { code, message, hint } = last.failure;
		throw new OperationError(FailureCode.parse(code), message, { hint });
	}
	const why = last !== undefined && "defect" in last ? last.defect : "its thread ended without an answer";
	throw new Error(`a job on files failed: ${why}`);
}
