import { failure } from "./define-failure.ts";

/** What can be wrong with files that are copied. */
export const copyFailures = {
	"database-files": failure(
		"files of a running database would be copied while it writes",
		"back up with --consistency paused or stopped, or force it with --force-database-files",
		{ exitCode: 4 },
	),
	"source-changed": failure(
		"files changed or vanished while they were read",
		"back up with its writers paused or stopped",
		{ exitCode: 3, retryable: true },
	),
	"copy-inexact": failure(
		"a copy under a new name is not what was read of the original, and was removed",
		"copy it again; where it says what could not be made, run the agent as root",
		{ exitCode: 7 },
	),
} as const;
