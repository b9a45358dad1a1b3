import { OperationError } from "@davit/protocol";
import type { Database } from "./database.ts";

const version = 1;

const tables = `
	-- Every command that was believed, for as long as it could come again. The last report answers a duplicate.
	CREATE TABLE IF NOT EXISTS inbox (
		command TEXT PRIMARY KEY,
		kind TEXT NOT NULL,
		sha256 TEXT NOT NULL,
		target TEXT,
		run TEXT,
		received_at_ms INTEGER NOT NULL,
		state TEXT NOT NULL,
		sequence INTEGER NOT NULL,
		report TEXT NOT NULL
	) STRICT;
	CREATE INDEX IF NOT EXISTS inbox_target ON inbox (target) WHERE target IS NOT NULL;

	-- phase: accepted, started, undoing, ended
	CREATE TABLE IF NOT EXISTS operations (
		command TEXT PRIMARY KEY REFERENCES inbox,
		run TEXT NOT NULL,
		operation TEXT NOT NULL,
		resource TEXT NOT NULL,
		params TEXT NOT NULL,
		fence INTEGER NOT NULL,
		start_by TEXT NOT NULL,
		deadline_seconds INTEGER NOT NULL,
		phase TEXT NOT NULL,
		facts TEXT,
		failure TEXT,
		loads INTEGER NOT NULL DEFAULT 0
	) STRICT;
	CREATE INDEX IF NOT EXISTS operations_open ON operations (phase) WHERE phase <> 'ended';
	CREATE INDEX IF NOT EXISTS operations_resource ON operations (resource, command);

	-- state: intent, done, undone
	CREATE TABLE IF NOT EXISTS steps (
		command TEXT NOT NULL REFERENCES operations,
		number INTEGER NOT NULL,
		name TEXT NOT NULL,
		intent TEXT NOT NULL,
		commits INTEGER NOT NULL,
		state TEXT NOT NULL,
		output TEXT,
		PRIMARY KEY (command, number)
	) STRICT;

	-- At most one operation a resource. An inconsistent one keeps its row.
	CREATE TABLE IF NOT EXISTS locks (resource TEXT PRIMARY KEY, command TEXT NOT NULL) STRICT;
	-- Volumes and folders that an operation on a stack holds besides the stack.
	CREATE TABLE IF NOT EXISTS holds (resource TEXT PRIMARY KEY, command TEXT NOT NULL) STRICT;
	CREATE TABLE IF NOT EXISTS fences (resource TEXT PRIMARY KEY, fence INTEGER NOT NULL) STRICT;

	-- The newest report of a command that the coordinator has not said it applied.
	CREATE TABLE IF NOT EXISTS outbox (
		command TEXT PRIMARY KEY REFERENCES inbox,
		sequence INTEGER NOT NULL,
		report TEXT NOT NULL
	) STRICT;

	CREATE TABLE IF NOT EXISTS undo_points (
		command TEXT PRIMARY KEY,
		resource TEXT NOT NULL,
		archive TEXT NOT NULL,
		until_ms INTEGER NOT NULL,
		place TEXT NOT NULL
	) STRICT;

	-- How long an undo is kept, in time that the agent has served: no clock that is set makes it shorter.
	CREATE TABLE IF NOT EXISTS undo_terms (command TEXT PRIMARY KEY, served_until_ms INTEGER NOT NULL) STRICT;

	-- Resources whose state lies retained on the broker, and has to be cleared there when they are gone.
	CREATE TABLE IF NOT EXISTS shown (resource TEXT PRIMARY KEY) STRICT;

	CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
`;

/** Makes the tables where there are none. A newer Davit's journal is left untouched. */
export function makeTables(database: Database): void {
	const found = Number(database.pragma("user_version", { simple: true }));
	if (found > version) {
		throw new OperationError(
			"unsupported",
			`the journal ${database.name} has version ${found}, and this Davit reads ${version}`,
			{ hint: "start the newer Davit that wrote it" },
		);
	}
	database.exec(tables);
	database.pragma(`user_version = ${version}`);
}
