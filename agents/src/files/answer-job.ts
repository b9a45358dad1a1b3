import { OperationError } from "@davit/protocol";
import type { FileContext, FileProgress } from "./job.ts";

/** What is said of a job, by a thread as messages and by a process as lines of JSON. */
export type JobMessage =
	| { readonly progress: FileProgress }
	| { readonly result: unknown }
	| { readonly failure: { readonly code: string; readonly message: string; readonly hint: string } }
	| { readonly defect: string };

const progressEveryMs = 200;

/** Does a job and says what came of it; never throws. */
export async function answerJob(
	perform: (context: FileContext) => Promise<unknown>,
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
		return { result: await perform({ signal, onProgress }) };
	} catch (error) {
		if (error instanceof OperationError) {
			return { failure: { code: error.code, message: error.message, hint: error.hint } };
		}
		return { defect: error instanceof Error ? (error.stack ?? error.message) : String(error) };
	}
}
