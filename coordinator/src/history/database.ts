import { chmodSync, existsSync, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { OperationError } from "@davit/protocol";
import Sqlite from "better-sqlite3";

type Value = string | number | null;
type Row = Readonly<Record<string, Value>>;

/** The few things the history asks of SQLite. The only file of the coordinator that imports better-sqlite3. */
export interface Database {
	run(sql: string, ...values: readonly Value[]): void;
	get(sql: string, ...values: readonly Value[]): Row | undefined;
	all(sql: string, ...values: readonly Value[]): readonly Row[];
	/** All of `work` or nothing of it. */
	transaction<T>(work: () => T): T;
	close(): void;
}

/**
 * Opens `file` (`:memory:` in simulations) in WAL with `synchronous=FULL`, for this process alone, and makes `schema`.
 * @throws OperationError database-locked | database-read-only | database-damaged | disk-full
 */
export function openDatabase(file: string, schema: string): Database {
	if (file !== ":memory:" && !existsSync(dirname(file))) {
		throw new OperationError(
			"database-read-only",
			`the folder of the coordinator's history ${file} does not exist`,
		);
	}
	const sqlite = translate(file, () => new Sqlite(file, { timeout: 1000 }));
	const statements = new Map<string, Sqlite.Statement>();
	const prepare = (sql: string) => {
		const known = statements.get(sql) ?? sqlite.prepare(sql);
		statements.set(sql, known);
		return known;
	};
	try {
		translate(file, () => prepareForWriting(sqlite, schema));
		if (file !== ":memory:") chmodSync(file, 0o600);
	} catch (error) {
		sqlite.close();
		throw error;
	}
	return {
		run: (sql, ...values) => {
			translate(file, () => prepare(sql).run(...values));
		},
		// Every column of the schema is STRICT TEXT, INTEGER or REAL, so a row holds nothing else.
		get: (sql, ...values) => translate(file, () => prepare(sql).get(...values) as Row | undefined),
		// The same.
		all: (sql, ...values) => translate(file, () => prepare(sql).all(...values) as Row[]),
		transaction: (work) => translate(file, () => sqlite.transaction(work).immediate()),
		close: () => {
			sqlite.close();
		},
	};
}

function prepareForWriting(sqlite: Sqlite.Database, schema: string): void {
	sqlite.pragma("locking_mode = EXCLUSIVE");
	sqlite.pragma("journal_mode = WAL");
	sqlite.pragma("synchronous = FULL");
	sqlite.pragma("foreign_keys = ON");
	sqlite.exec(schema);
	sqlite.exec("UPDATE meta SET value = value WHERE key = 'epoch'");
	// better-sqlite3 falls back to NORMAL with the first write in WAL, so it is looked at after one (protocol.md 2.1).
	const synchronous = sqlite.pragma("synchronous", { simple: true });
	if (synchronous !== 2) throw new Error(`synchronous is ${String(synchronous)}, not FULL`);
	const check = sqlite.pragma("quick_check(1)", { simple: true });
	if (check !== "ok") {
		throw new Sqlite.SqliteError(String(check), "SQLITE_CORRUPT");
	}
}

function translate<T>(file: string, work: () => T): T {
	try {
		return work();
	} catch (error) {
		if (!(error instanceof Sqlite.SqliteError)) throw error;
		throw operationError(file, error);
	}
}

function operationError(file: string, cause: InstanceType<typeof Sqlite.SqliteError>): Error {
	const { code } = cause;
	const history = `the coordinator's history ${file}`;
	if (code.startsWith("SQLITE_BUSY") || code.startsWith("SQLITE_LOCKED")) {
		return new OperationError("database-locked", `${history} is open in another process`, { cause });
	}
	if (code.startsWith("SQLITE_READONLY") || code.startsWith("SQLITE_CANTOPEN")) {
		return new OperationError("database-read-only", `${history} cannot be opened for writing`, { cause });
	}
	if (code.startsWith("SQLITE_CORRUPT") || code.startsWith("SQLITE_NOTADB")) {
		return new OperationError("database-damaged", `${history} is damaged: ${cause.message}`, { cause });
	}
	// An I/O error is what a full disk looks like where the disk itself notices it late.
	if (code.startsWith("SQLITE_FULL") || (code.startsWith("SQLITE_IOERR") && isFull(file))) {
		return new OperationError("disk-full", `${history} could not be written: its disk is full`, { cause });
	}
	if (code.startsWith("SQLITE_IOERR")) {
		return new OperationError("database-read-only", `${history} could not be written: ${cause.message}`, {
			cause,
		});
	}
	return cause;
}

function isFull(file: string): boolean {
	const folder = dirname(file);
	return existsSync(folder) && statfsSync(folder).bavail === 0;
}
