import type { FailureReport, OperationError } from "@davit/protocol";
import { setUndoing } from "../journal/operations.ts";
import { markUndone } from "../journal/steps.ts";
import { isInconsistent, persist } from "./persist.ts";
import { type Begun, begun, type Ending, failed, stepAt, stepLimitMs } from "./work.ts";

/**
 * Brings back what was before each step that was begun, newest first, under deadlines of its own. Where one cannot be undone, those
 * before it stay as they are, but for what lets services go.
 * @throws OperationError inconsistent
 */
export async function undoSteps(work: Begun, failure: FailureReport): Promise<Ending> {
	const { journal, accepted } = work;
	if (accepted.failure === undefined) {
		journal.write("undoing", (database) => setUndoing(database, accepted.command, failure));
	}
	let stuck: OperationError | undefined;
	for (const row of begun(work).toReversed()) {
		if (row.state === "undone") continue;
		try {
			if (stuck !== undefined && stepAt(work, row).releases !== true) continue;
			await persist(
				() => stepAt(work, row).undo(),
				`${accepted.operation} of ${accepted.resource} failed (${failure.message}), and undoing its step ${row.name} fails`,
				{ ...work, limitMs: stepLimitMs },
			);
			journal.write(`undone ${row.name}`, (database) => markUndone(database, accepted.command, row.number));
		} catch (error) {
			if (!isInconsistent(error)) throw error;
			stuck ??= error;
		}
	}
	if (stuck !== undefined) throw stuck;
	return failed(failure);
}
