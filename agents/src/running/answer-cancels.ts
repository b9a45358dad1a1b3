import { type CommandId, type FinalState, failureReport, OperationError } from "@davit/protocol";
import type { Reports } from "../core/reports.ts";
import type { Database } from "../journal/database.ts";
import { cancelsOf } from "../journal/inbox.ts";

/** Says of each cancel that waited for an operation's end whether it ended because of it. */
export function answerCancels(
	database: Database,
	command: CommandId,
	{ state, reports }: { readonly state: FinalState; readonly reports: Reports },
): void {
	for (const cancel of cancelsOf(database, command)) {
		if (cancel.state !== "accepted") continue;
		const isTooLate = state === "succeeded" || state === "partial" || state === "inconsistent";
		const refusal = new OperationError(
			isTooLate ? "past-commit" : "run-ended",
			isTooLate
				? "the operation had gone past the point of no return, and went on to its end"
				: "the operation failed by itself before the cancel reached it",
		);
		const said =
			state === "cancelled"
				? ({ state: "succeeded" } as const)
				: ({ state: "rejected", failure: failureReport(refusal) } as const);
		reports.write(database, cancel.command, said);
	}
}
