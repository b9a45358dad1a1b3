import { parentPort, workerData } from "node:worker_threads";
import { OperationError } from "@davit/protocol";
import type { FileJob, FileProgress, FileResults } from "./job.ts";
import { performFileJob } from "./perform-job.ts";

/** What a worker says of its job. A line of JSON each, where it is a process. */
export type JobMessage =
	| { readonly progress: FileProgress }
	| { readonly result: FileResults[FileJob["kind"]] }
	| { readonly failure: { readonly code: string; readonly message: string; readonly hint: string } }
	| { readonly defect: string };

const progressEveryMs = 200;

if (parentPort !== null) {
	const port = parentPort;
	const cancelling = new AbortController();
	// The only message there is: stop.
	port.once("message", () => cancelling.abort());
	// `runFileJob` starts this file with a job as its only data.
	port.postMessage(
		await answer(workerData as FileJob, cancelling.signal, (message) => port.postMessage(message)),
	);
	port.close();
}

/** Does a job and says what came of it; never throws. */
export async function answer(
	job: FileJob,
	signal: AbortSignal,
	say: (message: JobMessage) => void,
): Promise<JobMessage> {
	let saidAt = 0;
	const onProgress = (progress: FileProgress) => {
		if (performance.now() - saidAt < progressEveryMs) return;
		saidAt = performance.now();
		say({ progress });
	};
	try {
		return { result: await performFileJob(job, { signal, onProgress }) };
	} catch (error) {
		if (error instanceof OperationError) {
			return { failure: { code: error.code, message: error.message, hint: error.hint } };
		}
		return { defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
	}
}
