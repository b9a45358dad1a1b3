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

/** Of those that a person meets, without restic's own advice. */
const sentences: Readonly<Record<number, (repository: string, said: string) => string>> = {
	10: (name, said) =>
		`repository ${name} is no restic repository: ${said.split(" Is there a repository")[0]}`,
	11: (name, said) => `another program holds repository ${name}: ${said.split(" lock was created")[0]}`,
	12: (name) => `repository ${name} does not open with the password in its file`,
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
	const sentence =
		sentences[code]?.(repository, said) ??
		`restic ${doing} on repository ${repository} ended with ${code}: ${said}`;
	return new OperationError(meanings[code] ?? "restic-failed", sentence.slice(0, 600));
}
