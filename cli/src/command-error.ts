import type { ErrorDocument, FailureCode } from "@davit/protocol";

/**
 * Why a command did not do what was asked, as it is shown and as it ends. The protocol's `OperationError` is not used here:
 * its table of failures costs zod, which is longer to load than everything else of `davit status`.
 */
export class CommandError extends Error {
	override readonly name = "CommandError";
	readonly code: FailureCode;
	readonly exitCode: number;
	/** Facts that explain it, a line each. */
	readonly why: readonly string[];
	/** One runnable line, or one short sentence. */
	readonly next: string;
	readonly candidates: readonly string[];

	constructor(message: string, details: CommandErrorDetails) {
		super(message, { cause: details.cause });
		this.code = details.code;
		this.exitCode = details.exitCode;
		this.why = details.why ?? [];
		this.next = details.next;
		this.candidates = details.candidates ?? [];
	}
}

interface CommandErrorDetails {
	readonly code: FailureCode;
	readonly exitCode: number;
	readonly next: string;
	readonly why?: readonly string[];
	readonly candidates?: readonly string[];
	readonly cause?: unknown;
}

/** Something was typed that Davit does not understand. */
export function usageError(message: string, next: string, why: readonly string[] = []): CommandError {
	return new CommandError(message, { code: "request-malformed", exitCode: exitCodes.usage, next, why });
}

/** What a door answered instead of what was asked for. */
export function answeredError(answer: ErrorDocument): CommandError {
	return new CommandError(answer.message, {
		code: answer.code,
		exitCode: answer.exitCode,
		next: answer.hint,
		candidates: answer.candidates,
	});
}

/** Anything thrown, as an error that can be shown; what nobody foresaw is a defect. */
export function commandErrorOf(error: unknown): CommandError {
	if (error instanceof CommandError) return error;
	const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
	return new CommandError(`a defect in Davit: ${message}`, {
		code: "internal-error",
		exitCode: exitCodes.failed,
		next: "please report it with this text",
		cause: error,
	});
}

export function errorDocument(error: CommandError): ErrorDocument {
	return {
		schema: "davit/error/1",
		code: error.code,
		message: error.message,
		hint: error.next,
		candidates: [...error.candidates],
		exitCode: error.exitCode,
	};
}

/** How `davit` ends. What is not in this table is a failure too. */
export const exitCodes = {
	done: 0,
	failed: 1,
	usage: 2,
	partial: 3,
	blocked: 4,
	rolledBack: 5,
	inconsistent: 6,
	unproven: 7,
	unreachable: 8,
	detached: 9,
	absent: 10,
	busy: 11,
	notAllowed: 12,
	cancelled: 130,
} as const;
