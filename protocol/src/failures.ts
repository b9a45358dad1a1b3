import { z } from "zod";
import { FailureCode, failures } from "./failure-codes.ts";

/** Why something did not happen, as it is sent and shown. */
export const FailureReport = z.object({
	code: FailureCode,
	/** What was attempted, on what, why not. */
	message: z.string().max(2000),
	/** What to do next. */
	hint: z.string().max(500),
	retryable: z.boolean(),
});
export type FailureReport = z.infer<typeof FailureReport>;

/** A failure the operator can act on: what was attempted, on what, why not, what next. */
export class OperationError extends Error {
	override readonly name = "OperationError";
	readonly code: FailureCode;
	readonly hint: string;
	/** Names that may have been meant. */
	readonly candidates: readonly string[];

	constructor(
		code: FailureCode,
		message: string,
		options: { cause?: unknown; hint?: string; candidates?: readonly string[] } = {},
	) {
		super(message, { cause: options.cause });
		this.code = code;
		this.hint = options.hint ?? failures[code].advice;
		this.candidates = options.candidates ?? [];
	}
}

/** Of what was thrown while something was being cleaned up after a failure: that failure, which is the cause of both. */
export function firstThrown(error: unknown): unknown {
	return error instanceof SuppressedError ? firstThrown(error.suppressed) : error;
}

/** The report of anything thrown; what is not an `OperationError` is a defect. */
export function failureReport(thrown: unknown): FailureReport {
	const error = firstThrown(thrown);
	if (error instanceof OperationError) {
		return {
			code: error.code,
			message: error.message.slice(0, 2000),
			hint: error.hint.slice(0, 500),
			retryable: failures[error.code].retryable,
		};
	}
	const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
	return {
		code: "internal-error",
		message: message.slice(0, 2000),
		hint: failures["internal-error"].advice,
		retryable: false,
	};
}
