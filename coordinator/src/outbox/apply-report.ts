import {
	type ArchiveId,
	ArchiveId as archiveId,
	type FailureCode,
	type HostName,
	isEnded,
	isFinal,
	isOperationName,
	operations,
	type Report,
	type Run,
	type RunState,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import { isWhole, type RunRecord } from "../history/records.ts";
import { renewStalePlan } from "../plans/plans.ts";
import { commitRun, tellRun } from "../runs/change.ts";
import { pruneAfter } from "../schedules/due.ts";
import { declareLost } from "./declare-lost.ts";
import { reissue, sendReceipt } from "./dispatch.ts";

/** Refusals that say only that the command came from another moment; a new one may be taken. */
const curable: readonly FailureCode[] = ["epoch-stale", "fence-stale", "not-welcome"];
const reissuesAtMost = 5;

/** Applies what a host says of a command: once, in order, and never to a run that has ended. */
export function applyReport(core: Core, host: HostName, report: Report): void {
	const record = core.runs.ofCommand(report.command);
	if (record === undefined) {
		const { command, failure } = report;
		core.log.warn(
			{ host, command, code: failure?.code, reason: failure?.message },
			"a report of no command that the history holds",
		);
		acknowledge(core, host, report);
		return;
	}
	if (record.run.host !== host || report.host !== host) {
		core.log.warn({ host, command: report.command }, "a report of another host's command was ignored");
		return;
	}
	if (report.command !== record.command) {
		settleOther(core, record, report);
		return;
	}
	if (!isEnded(record.run.state)) {
		if (isDenial(record, report)) declareLost(core, record);
		else if (isNewer(record, report)) applyNext(core, record, report);
	}
	acknowledge(core, host, report);
}

/** A first word that refuses what was accepted before comes from a host that does not remember it. */
function isDenial(record: RunRecord, { state, sequence }: Report): boolean {
	return (state === "rejected" || state === "cancelled") && sequence === 1 && record.sequence >= 0;
}

/**
 * An agent that died forgets how many progress reports it sent, so each of its lives counts anew; and an operation ends once,
 * so an end is never old.
 */
function isNewer(record: RunRecord, { agentEpoch, sequence, state }: Report): boolean {
	const knownEpoch = record.agentEpoch ?? 0;
	if (isFinal(state) && state !== "rejected") return true;
	return agentEpoch > knownEpoch || (agentEpoch === knownEpoch && sequence > record.sequence);
}

function applyNext(core: Core, record: RunRecord, report: Report): void {
	const { failure } = report;
	const isNew = record.sequence < 0;
	const isCurable = failure !== undefined && curable.includes(failure.code);
	if (report.state === "rejected" && isNew && isCurable && mayReissue(core, record)) {
		core.log.info({ run: record.run.run, code: failure.code }, "a refused command is given anew");
		reissue(core, record);
		return;
	}
	const next = nextRecord(core, record, report);
	const isProgress = next.run.state === record.run.state && stepOf(next.run) === stepOf(record.run);
	if (isProgress) tellRun(core, next);
	else commitReport(core, next);
	core.outbox.settle(record.command);
	if (isEnded(next.run.state)) afterEnd(core, next);
}

function commitReport(core: Core, next: RunRecord): void {
	const renewed = renewStalePlan(core, next);
	const record = renewed?.record ?? next;
	commitRun(core, record, {
		point: "report",
		also: () => core.history.runs.settleCommand(record.command),
	});
	renewed?.make();
}

function afterEnd(core: Core, { run }: RunRecord): void {
	const { operation, state, host, resource } = run;
	const durationMs = Date.parse(run.endedAt ?? run.askedAt) - Date.parse(run.startedAt ?? run.askedAt);
	core.log.info({ run: run.run, host, resource, operation, state, durationMs }, "a run ended");
	const record = core.runs.find(run.run);
	if (record !== undefined && !isWhole(record)) pruneAfter(core, record);
}

function mayReissue(core: Core, record: RunRecord): boolean {
	return record.reissues < reissuesAtMost && core.now() < Date.parse(record.startBy);
}

function nextRecord(core: Core, record: RunRecord, report: Report): RunRecord {
	const { failure: _failure, progress: _progress, ...run } = record.run;
	const state = stateOf(record, report);
	const result = resultOf(core, record, report);
	const archive = archiveOf(result) ?? archiveOf(record.params) ?? run.archive;
	return {
		...record,
		sequence: report.sequence,
		agentEpoch: report.agentEpoch,
		heardMs: core.now(),
		saidAt: report.at,
		run: {
			...run,
			state,
			...(state === "running" && run.startedAt === undefined ? { startedAt: report.at } : {}),
			...(isEnded(state) ? { endedAt: report.at } : {}),
			...(report.progress === undefined || isEnded(state) ? {} : { progress: report.progress }),
			...(report.failure === undefined ? {} : { failure: report.failure }),
			...(result === undefined ? {} : { result }),
			...(archive === undefined ? {} : { archive }),
		},
	};
}

/** `accepted` that comes after `running` was heard of does not go back; a command that came too late never began. */
function stateOf(record: RunRecord, report: Report): RunState {
	const isLate = report.state === "rejected" && report.failure?.code === "command-expired";
	return isLate && record.sequence < 0 ? "expired" : report.state;
}

function resultOf(core: Core, record: RunRecord, report: Report): Record<string, unknown> | undefined {
	const { operation } = record.run;
	if (report.result === undefined || !isOperationName(operation)) return undefined;
	const parsed = operations[operation].result.safeParse(report.result);
	if (parsed.success) return parsed.data;
	core.log.warn(
		{ run: record.run.run, operation },
		"a result that the catalogue does not describe was left out",
	);
	return undefined;
}

function archiveOf(holder: Readonly<Record<string, unknown>> | undefined): ArchiveId | undefined {
	return archiveId.safeParse(holder?.["archive"]).data;
}

function stepOf(run: Run): string | undefined {
	return run.progress?.step;
}

/** A report of a cancel, or of a command that a newer one replaced. */
function settleOther(core: Core, record: RunRecord, report: Report): void {
	if (core.outbox.has(report.command) || isFinal(report.state)) {
		core.history.write("cancel", () => core.history.runs.settleCommand(report.command));
		core.outbox.settle(report.command);
	}
	const { failure } = report;
	if (failure !== undefined) {
		core.log.info(
			{ run: record.run.run, code: failure.code, reason: failure.message },
			"a cancel was refused",
		);
	}
	acknowledge(core, record.run.host, report);
}

/** Reports that change a state stay with the agent until they are acknowledged; progress does not. */
function acknowledge(core: Core, host: HostName, report: Report): void {
	if (report.state !== "running") sendReceipt(core, host, report);
}
