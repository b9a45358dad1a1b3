import { type FailureReport, type HostName, instantOf, isEnded } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import { isWhole, type RunRecord } from "../history/records.ts";
import { commitRun, withState } from "../runs/change.ts";

/** Called with each tick: settles commands whose start-by time has passed, and cancels of runs that have ended. */
export function judgeLate(core: Core): void {
	for (const { command, maybeSent } of core.outbox.late()) {
		const record = core.runs.find(command.run);
		if (record === undefined || isWhole(record) || isEnded(record.run.state) || command.kind === "cancel") {
			core.history.write("verdict", () => core.history.runs.settleCommand(command.id));
			core.outbox.settle(command.id);
		} else if (!maybeSent) {
			expire(core, record);
		} else if (record.run.state === "requested") {
			// It may have begun there. The same bytes go on being sent: the host answers them with what became of it.
			becomeUnknown(core, record, `${record.run.host} did not answer before the latest time to begin`);
		}
	}
}

/** The host fell silent: what it accepted may go on there. */
export function judgeSilence(core: Core, host: HostName): void {
	for (const record of core.runs.open()) {
		const { state } = record.run;
		if (record.run.host !== host || (state !== "accepted" && state !== "running")) continue;
		becomeUnknown(core, record, `${host} fell silent while ${record.run.operation} was under way`);
	}
}

function becomeUnknown(core: Core, record: RunRecord, message: string): void {
	const failure: FailureReport = {
		code: "outcome-unknown",
		message,
		hint: "the run gets its real outcome when the host is heard again",
		retryable: false,
	};
	commitRun(core, withState(record, { state: "unknown", failure }), { point: "verdict" });
}

function expire(core: Core, record: RunRecord): void {
	const failure: FailureReport = {
		code: "command-expired",
		message: `${record.run.host} was not heard before ${record.startBy}, the latest time to begin`,
		hint: "ask again when the host is there",
		retryable: true,
	};
	const endedAt = instantOf(core.now());
	commitRun(core, withState(record, { state: "expired", failure, endedAt }), {
		point: "verdict",
		also: () => core.history.runs.settleCommand(record.command),
	});
	core.outbox.settle(record.command);
}
