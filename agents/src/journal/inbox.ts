import type { CommandId, FinalState, ReportState } from "@davit/protocol";
import type { Database } from "./database.ts";

export interface InboxEntry {
	readonly command: CommandId;
	readonly kind: "run" | "cancel";
	readonly sha256: string;
	/** Of a cancel: the command that is to end. */
	readonly target: CommandId | null;
	readonly run: string | null;
	readonly state: ReportState;
	/** Of the newest report that was written down. */
	readonly sequence: number;
	/** The newest report that was written down, as it was sent. */
	readonly report: string;
}

const columns = "command, kind, sha256, target, run, state, sequence, report";

export function findInboxEntry(database: Database, command: CommandId): InboxEntry | undefined {
	return database
		.prepare<[string], InboxEntry>(`SELECT ${columns} FROM inbox WHERE command = ?`)
		.get(command);
}

/** Its first report follows in the same transaction. */
export function addInboxEntry(
	database: Database,
	entry: Pick<InboxEntry, "command" | "kind" | "sha256" | "target" | "run"> & {
		readonly receivedAtMs: number;
	},
): void {
	database
		.prepare("INSERT INTO inbox VALUES (?, ?, ?, ?, ?, ?, 'accepted', 0, '')")
		.run(entry.command, entry.kind, entry.sha256, entry.target, entry.run, entry.receivedAtMs);
}

/** Cancels of a command: those that wait for its end, or all that ever came. */
export function cancelsOf(database: Database, target: CommandId): readonly InboxEntry[] {
	return database
		.prepare<[string], InboxEntry>(
			`SELECT ${columns} FROM inbox WHERE target = ? AND kind = 'cancel' ORDER BY command`,
		)
		.all(target);
}

/** What the agent still answers for: not ended, or ended and not yet known to the coordinator. Unended come first. */
export function openEntries(database: Database, limit: number): readonly InboxEntry[] {
	return database
		.prepare<[number], InboxEntry>(
			`SELECT ${columns} FROM inbox
			WHERE state IN ('accepted', 'running') OR command IN (SELECT command FROM outbox)
			ORDER BY state NOT IN ('accepted', 'running'), command LIMIT ?`,
		)
		.all(limit);
}

export interface WrittenReport {
	readonly command: CommandId;
	readonly state: "accepted" | FinalState;
	readonly sequence: number;
	readonly report: string;
}

/** Writes a report down where a duplicate finds it and where it is sent from until its receipt comes. */
export function writeReport(database: Database, { command, state, sequence, report }: WrittenReport): void {
	database
		.prepare("UPDATE inbox SET state = ?, sequence = ?, report = ? WHERE command = ?")
		.run(state, sequence, report, command);
	database.prepare("INSERT OR REPLACE INTO outbox VALUES (?, ?, ?)").run(command, sequence, report);
}

export interface OutboxEntry {
	readonly command: CommandId;
	readonly sequence: number;
	readonly report: string;
}

export function outbox(database: Database): readonly OutboxEntry[] {
	return database
		.prepare<[], OutboxEntry>("SELECT command, sequence, report FROM outbox ORDER BY command")
		.all();
}

/** Whether the receipt was of a report that was still to be sent. */
export function dropFromOutbox(database: Database, command: CommandId, sequence: number): boolean {
	return (
		database.prepare("DELETE FROM outbox WHERE command = ? AND sequence <= ?").run(command, sequence)
			.changes > 0
	);
}
