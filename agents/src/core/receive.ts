import { type CancelCommand, failureReport, isFinal, OperationError, type RunCommand } from "@davit/protocol";
import type { Database } from "../journal/database.ts";
import { addInboxEntry, cancelsOf, findInboxEntry, type InboxEntry } from "../journal/inbox.ts";
import { type Journal, seeCoordinatorEpoch } from "../journal/journal.ts";
import { lock } from "../journal/locks.ts";
import { type Accepted, addOperation, findOperation, seeFence } from "../journal/operations.ts";
import type { Runner } from "../running/runner.ts";
import { judgeRun, requireCurrent, type Standing } from "./judge-run.ts";
import type { Reports, Said } from "./reports.ts";

export interface Reception {
	readonly journal: Journal;
	readonly reports: Reports;
	readonly runner: Runner;
	readonly standing: Standing;
	readonly receivedAtMs: number;
	/** Of the message's bytes. */
	readonly sha256: string;
}

/** When this returns, the command and its first report are on the disk; then it is begun. */
export function receiveRun(command: RunCommand, reception: Reception): void {
	const { journal, reports, runner } = reception;
	if (answerKnown(command, reception)) return;
	const accepted = journal.write("accept", (database) => {
		addEntry(database, command, reception);
		seeCoordinatorEpoch(database, command.epoch);
		const refusal = takeRun(database, command, reception);
		reports.write(database, command.id, refusal ?? { state: "accepted" });
		return refusal === undefined ? findOperation(database, command.id) : undefined;
	});
	reports.flush();
	if (accepted !== undefined) runner.begin(accepted);
}

/** The cancel has its own reports: `accepted` until the operation has ended, then whether it ended because of it. */
export function receiveCancel(command: CancelCommand, reception: Reception): void {
	const { journal, reports, runner } = reception;
	if (answerKnown(command, reception)) return;
	const said = journal.write("accept", (database) => {
		addEntry(database, command, reception);
		const answer = judgeCancel(database, command, reception);
		seeCoordinatorEpoch(database, command.epoch);
		reports.write(database, command.id, answer);
		return answer;
	});
	reports.flush();
	if (said.state !== "accepted") return;
	const held = journal.read((database) => findOperation(database, command.command));
	if (held?.phase === "accepted") runner.refuse(held, failureReport(cancelled(held)));
	else runner.cancel(command.command);
}

/** A command that was seen before is answered with its last report, and never taken twice. */
function answerKnown({ id }: RunCommand | CancelCommand, { journal, reports, sha256 }: Reception): boolean {
	const known = journal.read((database) => findInboxEntry(database, id));
	if (known === undefined) return false;
	if (known.sha256 === sha256) reports.repeat(id);
	else {
		reports.alarm(
			new OperationError("command-altered", `command ${id} came again with other bytes, and was dropped`),
		);
	}
	return true;
}

/** Takes the command, or says why not. */
function takeRun(database: Database, command: RunCommand, { standing }: Reception): Said | undefined {
	if (cancelsOf(database, command.id).some(wasHeeded)) {
		const failure = failureReport(cancelled(command));
		return { state: "cancelled", failure };
	}
	try {
		const { params, locks } = judgeRun(database, command, standing);
		addOperation(database, command, params);
		seeFence(database, command.resource, command.fence);
		if (locks) lock(database, command.resource, command.id);
		return undefined;
	} catch (error) {
		if (!(error instanceof OperationError)) throw error;
		return { state: "rejected", failure: failureReport(error) };
	}
}

function judgeCancel(database: Database, command: CancelCommand, { standing, runner }: Reception): Said {
	try {
		requireCurrent(command, standing);
		const target = findInboxEntry(database, command.command);
		// It has not come yet, and will not be begun when it comes.
		if (target === undefined) return { state: "succeeded" };
		requireUnended(target);
		if (runner.isPastCommit(command.command)) {
			throw new OperationError(
				"past-commit",
				`command ${command.command} has gone past the point of no return and goes on to its end`,
			);
		}
		return { state: "accepted" };
	} catch (error) {
		if (!(error instanceof OperationError)) throw error;
		return { state: "rejected", failure: failureReport(error) };
	}
}

function requireUnended({ command, state }: InboxEntry): void {
	if (!isFinal(state)) return;
	throw new OperationError("run-ended", `command ${command} had already ended as ${state}`);
}

function wasHeeded({ state }: InboxEntry): boolean {
	return state === "succeeded";
}

function cancelled({
	operation,
	resource,
}: Pick<Accepted | RunCommand, "operation" | "resource">): OperationError {
	return new OperationError("cancelled", `${operation} of ${resource} was cancelled before it began`);
}

function addEntry(
	database: Database,
	command: RunCommand | CancelCommand,
	{ sha256, receivedAtMs }: Reception,
): void {
	addInboxEntry(database, {
		command: command.id,
		kind: command.kind,
		sha256,
		target: command.kind === "cancel" ? command.command : null,
		run: command.kind === "run" ? command.run : null,
		receivedAtMs,
	});
}
