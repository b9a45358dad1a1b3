import {
	type CommandId,
	type HostName,
	isEnded,
	type ResourceId,
	type Run,
	type RunId,
	type RunStep,
} from "@davit/protocol";
import type { Database } from "./database.ts";
import type { AnyRunRecord, CommandRecord } from "./records.ts";

export interface RunFilter {
	readonly host?: HostName | undefined;
	readonly resource?: ResourceId | undefined;
	readonly states?: readonly string[] | undefined;
	readonly limit: number;
	readonly offset: number;
}

/** Runs, their stories and the commands that carry them out. */
export function runsIn(database: Database) {
	return {
		save: (record: AnyRunRecord) => saveRun(database, record),
		find: (run: RunId) => readRecord(database.get("SELECT record FROM runs WHERE run = ?", run)),
		open: () => database.all("SELECT record FROM runs WHERE ended = 0 ORDER BY number").map(recordIn),
		/** The newest shown run of each operation on each resource, oldest first; of a repository the newest of each end. */
		newest: () =>
			database
				.all(
					`SELECT record FROM runs WHERE number IN
					(SELECT max(number) FROM runs WHERE hidden = 0 GROUP BY host, resource, operation,
					CASE WHEN operation LIKE 'repository.%' THEN state || ' ' || (record ->> '$.params.repository') END)
					ORDER BY number`,
				)
				.map(recordIn),
		list: (filter: RunFilter) => listRuns(database, filter),
		beginningWith: (prefix: string) =>
			database
				.all(
					"SELECT run FROM runs WHERE substr(run, 1, ?) = ? AND hidden = 0 LIMIT 20",
					prefix.length,
					prefix,
				)
				.map((row) => String(row["run"])),
		/** Ended runs that still stand on the broker; `endedBefore` in milliseconds since 1970. */
		published: (endedBefore: number) =>
			database
				.all(
					"SELECT record FROM runs WHERE cleared = 0 AND ended = 1 AND ended_ms < ? ORDER BY number LIMIT 5000",
					endedBefore,
				)
				.map(recordIn),
		clear: (run: RunId) => database.run("UPDATE runs SET cleared = 1 WHERE run = ?", run),
		addStep: (run: RunId, step: RunStep) =>
			database.run(
				`INSERT INTO run_steps SELECT ?, coalesce(max(number), 0) + 1, ? FROM run_steps WHERE run = ?`,
				run,
				JSON.stringify(step),
				run,
			),
		steps: (run: RunId): RunStep[] =>
			// Only addStep writes this column.
			database
				.all("SELECT step FROM run_steps WHERE run = ? ORDER BY number LIMIT 1000", run)
				.map((row) => JSON.parse(String(row["step"])) as RunStep),
		addCommand: (command: CommandRecord) =>
			database.run(
				"INSERT INTO commands VALUES (?, ?, ?, ?, ?, ?, 'pending')",
				command.id,
				command.run,
				command.host,
				command.kind,
				command.message,
				command.startBy,
			),
		settleCommand: (id: CommandId) => database.run("UPDATE commands SET state = 'settled' WHERE id = ?", id),
		command: (id: CommandId): CommandRecord | undefined => {
			const row = database.get("SELECT * FROM commands WHERE id = ?", id);
			// Only addCommand writes this table.
			return row === undefined ? undefined : (commandIn(row) as CommandRecord);
		},
		pendingCommands: (): CommandRecord[] =>
			// The same.
			database
				.all("SELECT * FROM commands WHERE state = 'pending' ORDER BY id")
				.map((row) => commandIn(row) as CommandRecord),
	};
}

function saveRun(database: Database, record: AnyRunRecord): void {
	const { run } = record;
	database.run(
		`INSERT INTO runs (run, host, resource, operation, state, ended, hidden, ended_ms, cleared, record)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET
		state = excluded.state, ended = excluded.ended, ended_ms = excluded.ended_ms, record = excluded.record`,
		run.run,
		run.host,
		run.resource,
		run.operation,
		run.state,
		isEnded(run.state) ? 1 : 0,
		record.hidden ? 1 : 0,
		record.endedMs,
		record.hidden ? 1 : 0,
		JSON.stringify(record),
	);
}

function listRuns(database: Database, { host, resource, states, limit, offset }: RunFilter) {
	const wanted = [
		{ sql: "host = ?", value: host },
		{ sql: "resource = ?", value: resource },
		{
			sql: "state IN (SELECT value FROM json_each(?))",
			value: states === undefined ? undefined : JSON.stringify(states),
		},
	];
	const given = wanted.flatMap(({ sql, value }) => (value === undefined ? [] : [{ sql, value }]));
	const where = ["hidden = 0", ...given.map(({ sql }) => sql)].join(" AND ");
	const values = given.map(({ value }) => value);
	const rows = database.all(
		`SELECT record FROM runs WHERE ${where} ORDER BY number DESC LIMIT ? OFFSET ?`,
		...values,
		limit,
		offset,
	);
	const total = database.get(`SELECT count(*) AS total FROM runs WHERE ${where}`, ...values);
	return { runs: rows.map((row): Run => recordIn(row).run), total: Number(total?.["total"] ?? 0) };
}

function recordIn(row: Readonly<Record<string, unknown>>): AnyRunRecord {
	// Only saveRun writes this column.
	return JSON.parse(String(row["record"])) as AnyRunRecord;
}

function readRecord(row: Readonly<Record<string, unknown>> | undefined): AnyRunRecord | undefined {
	return row === undefined ? undefined : recordIn(row);
}

function commandIn(row: Readonly<Record<string, unknown>>): Record<keyof CommandRecord, unknown> {
	return {
		id: row["id"],
		run: row["run"],
		host: row["host"],
		kind: row["kind"],
		message: row["message"],
		startBy: row["start_by"],
	};
}
