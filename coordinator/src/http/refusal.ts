import {
	type ErrorDocument,
	type FailureCode,
	failureReport,
	failures,
	OperationError,
} from "@davit/protocol";

/** A refusal whose HTTP status says more than its code does: 401, 404 of a URL, 405, 413 … */
export class Refusal extends OperationError {
	readonly status: number;

	constructor(
		status: number,
		message: string,
		options: { code?: FailureCode; hint?: string; cause?: unknown } = {},
	) {
		super(options.code ?? "request-malformed", message, {
			hint: options.hint ?? "look at the address, or start from the Overview",
			cause: options.cause,
		});
		this.status = status;
	}
}

/** The HTTP status of anything thrown. */
export function statusOf(error: unknown): number {
	if (error instanceof Refusal) return error.status;
	if (!(error instanceof OperationError) || error.code === "internal-error") return 500;
	return statuses[failures[error.code].exitCode] ?? 409;
}

/** The document of anything thrown; what is not an `OperationError` shows no more than that it is a defect. */
export function errorDocument(error: unknown): ErrorDocument {
	const { code, message, hint } = failureReport(error);
	return {
		schema: "davit/error/1",
		code,
		message: error instanceof OperationError ? message : "a defect in Davit kept it from answering",
		hint,
		candidates: error instanceof OperationError ? [...error.candidates] : [],
		exitCode: failures[code].exitCode,
	};
}

/** By the exit code of the failure; every other one is 409: understood, but not now. */
const statuses: Readonly<Record<number, number>> = { 2: 400, 7: 422, 8: 503, 10: 404, 11: 409, 12: 403 };
