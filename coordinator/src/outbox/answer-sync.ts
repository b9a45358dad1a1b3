import { type HostName, isEnded, type Sync } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { RunRecord } from "../history/records.ts";
import { commitRun, withState } from "../runs/change.ts";
import { declareLost, isDestroying } from "./declare-lost.ts";
import { headOf, sendCommand } from "./dispatch.ts";

const welcomeSeconds = 60;

/**
 * Answers an agent's birth: greets it with epoch and fences, sends again what it has not accepted, and settles what it should
 * hold but does not.
 */
export function answerSync(core: Core, host: HostName, sync: Sync): void {
	const isMemoryLost = core.fleet.hearSync(host, sync);
	if (sync.coordinatorEpoch > core.history.epoch) passEpoch(core, host, sync);
	greet(core, host, { session: sync.session, isMemoryLost });
	const open = new Map(sync.open.map((held) => [held.command as string, held.state]));
	for (const record of core.runs.open()) {
		if (record.run.host !== host) continue;
		const held = open.get(record.command);
		if (held !== undefined) resume(core, record, held);
		else if (isMemoryLost && mayHaveBegun(core, record, sync)) declareLost(core, record);
		else askAgain(core, record);
	}
	core.outbox.wake(host);
}

/** Says what a host has to know: whose life it is, the fences, and for whom to encrypt. Said again it is harmless. */
export function greet(
	core: Core,
	host: HostName,
	{ session, isMemoryLost = false }: { readonly session: string; readonly isMemoryLost?: boolean },
): void {
	const recoveryRecipients = core.recoveryRecipients?.() ?? [];
	sendCommand(core, {
		...headOf(core, host, core.now() + welcomeSeconds * 1000),
		kind: "welcome",
		session,
		fences: fencesFor(core, host, isMemoryLost),
		...(recoveryRecipients.length === 0 ? {} : { recoveryRecipients: [...recoveryRecipients] }),
	});
}

/** The highest fences given; those of commands that the host may still begin are left one lower, so that it takes them. */
function fencesFor(core: Core, host: HostName, isMemoryLost: boolean): Record<string, number> {
	const fences = core.history.hosts.fences(host);
	if (isMemoryLost) return fences;
	for (const { run, sequence } of core.runs.open()) {
		const fence = fences[run.resource];
		if (run.host === host && sequence < 0 && fence !== undefined) fences[run.resource] = fence - 1;
	}
	return fences;
}

/** This life of the coordinator stays below what the host obeys; only a person may start one that is above it. */
function passEpoch(core: Core, host: HostName, { coordinatorEpoch }: Sync): void {
	core.log.error(
		{ host, epoch: core.history.epoch, obeyed: coordinatorEpoch },
		"a host obeys a later life of the coordinator; restart this one if it is the right one",
	);
	core.history.passEpoch(coordinatorEpoch);
}

/**
 * Whether the memory that was lost may have held the run. What the host said when or after it wrote this sync was said by
 * the memory that it has now. A silent host may have begun what was sent to it, also under an earlier command of the run.
 */
function mayHaveBegun(core: Core, record: RunRecord, { at }: Sync): boolean {
	if (record.sequence >= 0) return record.saidAt === undefined || record.saidAt < at;
	return isDestroying(record.run) && (record.reissues > 0 || !core.outbox.isUnsent(record.command));
}

function resume(core: Core, record: RunRecord, held: Sync["open"][number]["state"]): void {
	core.outbox.settle(record.command);
	const isBack = record.run.state === "unknown" || record.run.state === "requested";
	if (!isBack || isEnded(held)) return;
	// The report that said so was lost or is on its way; agents count from 1, so any is newer than this.
	const back = { ...withState(record, { state: held }), sequence: Math.max(record.sequence, 0) };
	commitRun(core, back, {
		point: "verdict",
		also: () => core.history.runs.settleCommand(record.command),
	});
}

/** The agent has its memory, so it answers the same bytes with its last report, or refuses them as too late. */
function askAgain(core: Core, record: RunRecord): void {
	const command = core.history.runs.command(record.command);
	if (command !== undefined) core.outbox.add(command, { isOld: true });
}
