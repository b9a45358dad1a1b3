import { type Database, openDatabase } from "@davit/agents/journal/database.ts";
import { makeTables } from "@davit/agents/journal/schema.ts";

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
