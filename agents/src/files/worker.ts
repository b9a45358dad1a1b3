import { parentPort, workerData } from "node:worker_threads";
import { answerJob } from "./answer-job.ts";
import type { FileJob } from "./job.ts";
import { performFileJob } from "./perform-job.ts";

if (parentPort !== null) {
	const port = parentPort;
	const cancelling = new AbortController();
	// The only message there is: stop.
	port.once("message", () => cancelling.abort());
	// `runFileJob` starts this file with a job as its only data.
	const job = workerData as FileJob;
	const last = await answerJob(
		(context) => performFileJob(job, context),
		cancelling.signal,
		(message) => port.postMessage(message),
	);
	port.postMessage(last);
	port.close();
}
