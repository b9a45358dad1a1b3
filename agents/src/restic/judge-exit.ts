import { type FailureCode, OperationError } from "@davit/protocol";

/** How a call of restic ended, and what it said on standard error. */
export interface ResticExit {
	readonly code: number;
	readonly complaints: readonly string[];
}

/** What restic's exit codes mean (its manual, *scripting*, since 0.17). A code that is not here is a failure. */
const meanings: Readonly<Record<number, FailureCode>> = {
	10: "repository-not-found",
	11: "repository-locked",
	12: "repository-refused",
	130: "cancelled",
};

/** 3: a backup left files out, and the snapshot exists all the same. */
export const incompleteCode = 3;

/** The failure that an exit means; never called for 0. */
export function describeExit(
	{ code, complaints }: ResticExit,
	{ repository, doing }: { readonly repository: string; readonly doing: string },
): OperationError {
	const said = (
		complaints.findLast((line) => line.startsWith("Fatal:")) ??
		complaints.at(-1) ??
		"it said nothing"
	)
		.replace(/^Fatal: /, "")
		.replaceAll(/\/\/[^/@\s]+@/g, "//…@");
	return new OperationError(
		meanings[code] ?? "restic-failed",
		`restic ${doing} on repository ${repository} ended with ${code}: ${said}`.slice(0, 600),
	);
}
