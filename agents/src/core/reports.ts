import {
	type CommandId,
	type FailureReport,
	type FinalState,
	failureReport,
	type HostName,
	instantOf,
	maximumMessageBytes,
	newId,
	OperationError,
	type Progress,
	type Report,
	type RunId,
} from "@davit/protocol";
import type { Database } from "../journal/database.ts";
import { dropFromOutbox, findInboxEntry, outbox, writeReport } from "../journal/inbox.ts";
import type { Journal } from "../journal/journal.ts";

const firstResendMs = 2_000;
const longestResendMs = 60_000;
const progressEveryMs = 1_000;
/** After a step's first word: what is done within a second is seen, too. */
const firstProgressMs = 250;
const alarmEveryMs = 10_000;

export interface ReportsOptions {
	readonly host: HostName;
	readonly journal: Journal;
	readonly now: () => number;
	readonly elapsedMs: () => number;
	readonly send: (report: string) => void;
}

export interface Said {
	readonly state: "accepted" | FinalState;
	readonly failure?: FailureReport;
	readonly result?: Readonly<Record<string, unknown>>;
}

interface Resend {
	readonly sequence: number;
	readonly dueMs: number;
	readonly pauseMs: number;
}

interface Pace {
	readonly step: string;
	readonly atMs: number;
	readonly sequence: number;
	/** Nothing else was said of its step. */
	readonly isFirst: boolean;
}

/** What the agent says of commands: written down with what it is about, then sent until the coordinator has it. */
export class Reports {
	readonly #options: ReportsOptions;
	readonly #resends = new Map<CommandId, Resend>();
	readonly #paces = new Map<CommandId, Pace>();
	readonly #alarms = new Map<string, number>();

	constructor(options: ReportsOptions) {
		this.#options = options;
	}

	/** Inside the transaction that makes it true. `flush` sends it. */
	write(database: Database, command: CommandId, said: Said): void {
		const entry = findInboxEntry(database, command);
		if (entry === undefined) throw new Error(`the inbox has no command ${command} to report of`);
		const sequence = Math.max(entry.sequence, this.#paces.get(command)?.sequence ?? 0) + 1;
		// The inbox has what the command itself said.
		const run = entry.run as RunId | null;
		const report = fitted(this.#report(command, run ?? undefined, { sequence, ...said }));
		writeReport(database, { command, state: said.state, sequence, report });
	}

	/** Sends what was written since the last time, and again what has waited long enough for its receipt. */
	flush(): void {
		const { journal, elapsedMs, send } = this.#options;
		const nowMs = elapsedMs();
		for (const { command, sequence, report } of journal.read(outbox)) {
			const resend = this.#resends.get(command);
			const isNew = resend?.sequence !== sequence;
			if (!isNew && resend.dueMs > nowMs) continue;
			const pauseMs = isNew ? firstResendMs : Math.min(resend.pauseMs * 2, longestResendMs);
			this.#resends.set(command, { sequence, dueMs: nowMs + pauseMs, pauseMs });
			send(report);
		}
	}

	/** Everything is due at once: nothing that was sent before is sure to have come. */
	reconnected(): void {
		this.#resends.clear();
		this.flush();
	}

	/** The answer to a command that comes again. */
	repeat(command: CommandId): void {
		const entry = this.#options.journal.read((database) => findInboxEntry(database, command));
		if (entry !== undefined) this.#options.send(entry.report);
	}

	/** Not written down: at most one a second, but for a step's first two. Returns whether it was worth saying. */
	progress(command: CommandId, run: RunId, progress: Progress): boolean {
		const { journal, elapsedMs, send } = this.#options;
		const pace = this.#paces.get(command);
		const atMs = elapsedMs();
		const isNew = pace?.step !== progress.step;
		const pauseMs = pace?.isFirst === true ? firstProgressMs : progressEveryMs;
		if (pace !== undefined && !isNew && atMs - pace.atMs < pauseMs) return false;
		const written = journal.read((database) => findInboxEntry(database, command))?.sequence ?? 0;
		const sequence = Math.max(written, pace?.sequence ?? 0) + 1;
		this.#paces.set(command, { step: progress.step, atMs, sequence, isFirst: isNew });
		send(JSON.stringify(this.#report(command, run, { sequence, state: "running", progress })));
		return true;
	}

	/**
	 * Says that a message was dropped which names no command that can be believed. It gets an id of its own, because a
	 * forger may have written the id of a command that is under way.
	 */
	alarm(error: OperationError): void {
		const atMs = this.#options.elapsedMs();
		const last = this.#alarms.get(error.code);
		if (last !== undefined && atMs - last < alarmEveryMs) return;
		this.#alarms.set(error.code, atMs);
		const failure = failureReport(error);
		const report = this.#report(newId(), undefined, { sequence: 1, state: "rejected", failure });
		this.#options.send(JSON.stringify(report));
	}

	receipt(command: CommandId, sequence: number): void {
		const isAwaited = this.#options.journal
			.read(outbox)
			.some((entry) => entry.command === command && entry.sequence <= sequence);
		if (!isAwaited) return;
		this.#options.journal.write("receipt", (database) => dropFromOutbox(database, command, sequence));
		this.#resends.delete(command);
	}

	/** After its final report. */
	forgetPace(command: CommandId): void {
		this.#paces.delete(command);
	}

	#report(
		command: CommandId,
		run: RunId | undefined,
		said: Pick<Report, "sequence" | "state" | "progress" | "failure" | "result">,
	): Report {
		const { host, journal, now } = this.#options;
		return {
			...{ version: 1, command, host, agentEpoch: journal.agentEpoch, at: instantOf(now()) },
			...(run === undefined ? {} : { run }),
			...said,
		};
	}
}

/** A result that no message can carry is left out: the state still has to be heard. */
function fitted({ result, ...report }: Report): string {
	const whole = JSON.stringify(result === undefined ? report : { ...report, result });
	if (Buffer.byteLength(whole) <= maximumMessageBytes) return whole;
	const failure = failureReport(
		new OperationError("internal-error", `its result of ${Buffer.byteLength(whole)} bytes fits no message`),
	);
	return JSON.stringify({ ...report, failure });
}
