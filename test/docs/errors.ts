import { type FailureCode, failures } from "@davit/protocol";

/** `docs/errors.md`, made from the table of failures. */
export function errorsPage(): string {
	// Object.keys of the table are exactly its keys.
	const codes = (Object.keys(failures) as FailureCode[]).sort();
	const rows = codes.map((code) => {
		const { meaning, advice, retryable, exitCode } = failures[code];
		return `| \`${code}\` | ${meaning} | ${advice} | ${retryable ? "yes" : "no"} | ${exitCode} |`;
	});
	return [
		"# Failures",
		"",
		"Made from `protocol/src/failure-codes.ts` by `node test/docs/main.ts`; a test keeps it true.",
		"",
		"| code | what happened | what to do | may be tried again as it is | `davit` ends with |",
		"|---|---|---|---|---|",
		...rows,
		"",
	].join("\n");
}
