import { type Database, openDatabase } from "@davit/agents/journal/database.ts";
import { findInboxEntry } from "@davit/agents/journal/inbox.ts";
import { openOperations } from "@davit/agents/journal/operations.ts";
import { makeTables } from "@davit/agents/journal/schema.ts";

import type { CommandId } from "@davit/protocol";

/** A journal's database in memory. Each statement is compiled once: thousands of lives are played. */
export function openJournalInMemory(): Database {
	const database = openDatabase(":memory:");
	makeTables(database);
	const prepare = database.prepare.bind(database);
	const known = new Map<string, ReturnType<typeof prepare>>();
	// It returns what the library's own function returns, only an earlier one.
	database.prepare = ((sql: string) => {
		const statement = known.get(sql) ?? prepare(sql);
		known.set(sql, statement);
		return statement;
	}) as typeof database.prepare;
	return database;
}

/** What a journal holds of a command. */
export function entryIn(database: Database, command: CommandId) {
	return findInboxEntry(database, command);
}

/** Commands that have not ended, and reports that nobody confirmed, one line each. */
export function openWorkIn(database: Database): readonly string[] {
	const waiting = database.prepare<[], { command: string }>("SELECT command FROM outbox").all();
	return [
		...openOperations(database).map(({ command, phase }) => `${command} is ${phase}`),
		...waiting.map(({ command }) => `the report of ${command} has no receipt`),
	];
}
