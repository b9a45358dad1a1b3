import { type Failure, failure } from "./define-failure.ts";

/** What can be wrong with a proof beside the archive itself. */
export const proofFailures = {
	"drill-inexact": failure(
		"what a drill restored is not exactly what was archived, because the place it was restored to could not hold it so",
		"read what was lost; drill where nothing is, as root",
		{ exitCode: 7 },
	),
} as const satisfies Record<string, Failure>;
