import {
	type Command,
	type CommandId,
	type HostName,
	instantOf,
	type OperationName,
	type PlanId,
	type PrincipalName,
	type RequestId,
	type ResourceId,
	RunId,
	sealCommand,
} from "@davit/protocol";
import { type Core, shortId } from "../core/context.ts";
import type { WritePoint } from "../history/history.ts";
import type { CommandRecord, RunRecord } from "../history/records.ts";
import { commitRun, withState } from "../runs/change.ts";

export interface Dispatching {
	readonly request: RequestId;
	readonly principal: PrincipalName;
	readonly host: HostName;
	readonly resource: ResourceId;
	readonly operation: OperationName;
	readonly params: Readonly<Record<string, unknown>>;
	readonly startByMs: number;
	readonly hidden?: boolean;
	readonly plan?: PlanId | null;
	readonly schedule?: string | null;
	readonly point: WritePoint;
	/** Written in the same transaction. */
	readonly also?: (record: RunRecord) => void;
}

/** Commits a new run with the command that carries it out, then sends it. */
export function dispatch(core: Core, wanted: Dispatching): RunRecord {
	const askedAt = instantOf(core.now());
	const record: RunRecord = {
		run: {
			version: 1,
			run: newRunId(core),
			request: wanted.request,
			host: wanted.host,
			resource: wanted.resource,
			operation: wanted.operation,
			state: "requested",
			askedBy: wanted.principal,
			askedAt,
		},
		command: core.newId(),
		params: wanted.params,
		startBy: instantOf(wanted.startByMs),
		sequence: -1,
		hidden: wanted.hidden ?? false,
		plan: wanted.plan ?? null,
		schedule: wanted.schedule ?? null,
		reissues: 0,
		endedMs: null,
	};
	return commitWithCommand(core, record, wanted);
}

/** Carries a run out by a new command, after the host refused the old one without beginning it. */
export function reissue(core: Core, record: RunRecord): RunRecord {
	const again = { ...withState(record, { state: "requested" }), command: core.newId(), sequence: -1 };
	const old = record.command;
	const next = { ...again, reissues: record.reissues + 1 };
	const committed = commitWithCommand(core, next, {
		point: "reissue",
		also: () => core.history.runs.settleCommand(old),
	});
	core.outbox.settle(old);
	return committed;
}

/** Asks the host to give the run up; it is sent until the run has ended. */
export function commandCancel(core: Core, record: RunRecord): CommandRecord {
	const startByMs = core.now() + 24 * 3_600_000;
	const head = headOf(core, record.run.host, startByMs);
	const command = commandRecord(core, record.run.run, { ...head, kind: "cancel", command: record.command });
	core.history.write("cancel", () => core.history.runs.addCommand(command));
	core.outbox.add(command);
	return command;
}

/** Tells the agent that a report was applied, so that it need not send it again. Lost ones are asked for by the next report. */
export function sendReceipt(
	core: Core,
	host: HostName,
	report: { command: CommandId; sequence: number },
): void {
	const { command, sequence } = report;
	sendCommand(core, { ...headOf(core, host, core.now() + 60_000), kind: "receipt", command, sequence });
}

/** Signs and sends what is not kept. */
export function sendCommand(core: Core, command: Command): void {
	core.send({ topic: core.topics.command(command.host), payload: sealCommand(command, core.key) });
}

export function headOf(core: Core, host: HostName, startByMs: number) {
	return {
		version: 1,
		id: core.newId(),
		site: core.site,
		host,
		epoch: core.history.epoch,
		issuedAt: instantOf(core.now()),
		startBy: instantOf(startByMs),
	} as const;
}

/** One that no run has. */
export function newRunId(core: Core): RunId {
	const run = RunId.parse(shortId("r", core.random));
	return core.runs.find(run) === undefined ? run : newRunId(core);
}

function commitWithCommand(
	core: Core,
	record: RunRecord,
	{ point, also }: Pick<Dispatching, "point" | "also">,
): RunRecord {
	const { host, resource, operation, run } = record.run;
	let command: CommandRecord | undefined;
	const committed = commitRun(core, record, {
		point,
		also: (saved) => {
			const fence = core.history.hosts.raiseFence(host, resource, core.history.epoch);
			command = commandRecord(core, run, {
				...headOf(core, host, Date.parse(record.startBy)),
				id: record.command,
				kind: "run",
				run,
				operation,
				resource,
				fence,
				params: record.params,
				deadlineSeconds: core.limits.deadlineSeconds,
			});
			core.history.runs.addCommand(command);
			also?.(saved);
		},
	});
	// The first new command goes at once; a host that refuses it again gets time to be greeted.
	const pauseMs = record.reissues < 2 ? 0 : 1000 * 2 ** record.reissues;
	if (command !== undefined) core.outbox.add(command, { pauseMs });
	return committed;
}

function commandRecord(core: Core, run: RunId, command: Command): CommandRecord {
	const { id, host, kind, startBy } = command;
	return {
		id,
		run,
		host,
		kind: kind === "cancel" ? "cancel" : "run",
		message: sealCommand(command, core.key),
		startBy,
	};
}
