import type { FailureReport } from "@davit/protocol";
import { setUndoing } from "../journal/operations.ts";
import { markUndone } from "../journal/steps.ts";
import { persist } from "./persist.ts";
import { type Begun, begun, type Ending, failed, stepAt, stepLimitMs } from "./work.ts";

/** Brings back what was before each step that was begun, newest first, under deadlines of its own. */
export async function undoSteps(work: Begun, failure: FailureReport): Promise<Ending> {
	const { journal, accepted } = work;
	if (accepted.failure === undefined) {
		journal.write("undoing", (database) => setUndoing(database, accepted.command, failure));
	}
	for (const row of begun(work).toReversed()) {
		if (row.state === "undone") continue;
		await persist(
			() => stepAt(work, row).undo(),
			`${accepted.operation} of ${accepted.resource} failed (${failure.message}), and undoing its step ${row.name} fails`,
			{ ...work, limitMs: stepLimitMs },
		);
		journal.write(`undone ${row.name}`, (database) => markUndone(database, accepted.command, row.number));
	}
	return failed(failure);
}
