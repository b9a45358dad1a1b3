import {
	instantOf,
	isEnded,
	OperationError,
	type PrincipalName,
	type RunDocument,
	type RunId,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { CoordinatorCore } from "../core/core.ts";
import { runDocument } from "../documents/details.ts";
import { isWhole, type RunRecord } from "../history/records.ts";
import { commandCancel } from "../outbox/dispatch.ts";
import { authoriseOperator } from "../requests/authorise.ts";
import { commitRun, withState } from "../runs/change.ts";
import { cancelWhole } from "../wholes/cancel.ts";

/**
 * Cancels a run: at once where no host has heard of it yet, else by asking the host, which may be past the point of no return.
 * @throws OperationError not-allowed | run-not-found | run-ended
 */
export function cancelRun(office: CoordinatorCore, id: RunId, principal: PrincipalName): RunDocument {
	const core = office.parts;
	authoriseOperator(principal, "cancel a run");
	const { run } = runDocument(core, id);
	const record = core.runs.find(run.run);
	if (record === undefined || isEnded(run.state)) {
		throw new OperationError("run-ended", `${run.run} was not cancelled: it ended as ${run.state}`);
	}
	core.log.info({ run: run.run, principal }, "a cancel was asked for");
	if (isWhole(record)) {
		// All of it at once, so that a whole is never half cancelled.
		office.together(() => cancelWhole(core, record, (part) => cancelRecord(core, part)));
	} else {
		cancelRecord(core, record);
	}
	return runDocument(core, run.run);
}

function cancelRecord(core: Core, record: RunRecord): void {
	if (core.outbox.isUnsent(record.command)) {
		const endedAt = instantOf(core.now());
		commitRun(core, withState(record, { state: "cancelled", endedAt }), {
			point: "cancel",
			also: () => core.history.runs.settleCommand(record.command),
		});
		core.outbox.settle(record.command);
	} else {
		commandCancel(core, record);
	}
}
