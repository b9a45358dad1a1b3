import { existsSync } from "node:fs";
import { type FailureCode, OperationError } from "@davit/protocol";
import Sqlite from "better-sqlite3";

/** An open SQLite database; this is the only file that knows which library opens it. */
export type Database = Sqlite.Database;

const fullSynchronous = 2;
const busyTimeoutMs = 1_000;

/** What SQLite's primary result codes mean to the operator; https://www.sqlite.org/rescode.html */
const failureOf: Readonly<Record<string, { readonly code: FailureCode; readonly reason: string }>> = {
	SQLITE_BUSY: { code: "database-locked", reason: "another process has it open" },
	SQLITE_LOCKED: { code: "database-locked", reason: "another process has it open" },
	SQLITE_READONLY: { code: "database-read-only", reason: "it cannot be written" },
	SQLITE_PERM: { code: "database-read-only", reason: "its permissions forbid it" },
	SQLITE_CANTOPEN: { code: "database-read-only", reason: "it cannot be opened or made" },
	SQLITE_IOERR: { code: "database-read-only", reason: "its disk does not read or write" },
	SQLITE_CORRUPT: { code: "database-damaged", reason: "its content is damaged" },
	SQLITE_NOTADB: { code: "database-damaged", reason: "it is not a SQLite database" },
	SQLITE_FULL: { code: "disk-full", reason: "its disk is full" },
};

/**
 * Opens the database of one process: write-ahead log, every commit on the disk before it returns, nobody else beside it.
 * The pragmas are set on every open, because better-sqlite3 is built with `synchronous=NORMAL` for a write-ahead log.
 * @throws OperationError database-locked | database-read-only | database-damaged | disk-full
 */
export function openDatabase(file: string): Database {
	return translated(file, () => {
		const database = new Sqlite(file, { timeout: busyTimeoutMs });
		try {
			database.pragma("locking_mode = EXCLUSIVE");
			database.pragma("journal_mode = WAL");
			database.pragma("synchronous = FULL");
			database.pragma("foreign_keys = ON");
			requireSound(database, file);
		} catch (error) {
			database.close();
			throw error;
		}
		return database;
	});
}

/** All of `change` or nothing of it, on the disk when this returns. */
export function commit<Result>(database: Database, change: () => Result): Result {
	return translated(database.name, () => database.transaction(change).immediate());
}

/** To be asked after a write: a fresh database says FULL before its first write whatever it was built with. */
export function requireFullSynchronous(database: Database): void {
	const level = database.pragma("synchronous", { simple: true });
	if (level === fullSynchronous) return;
	throw new Error(`SQLite writes ${database.name} with synchronous=${String(level)} and not FULL (2)`);
}

function requireSound(database: Database, file: string): void {
	const verdict = database.pragma("quick_check(1)", { simple: true });
	if (verdict === "ok") return;
	throw new OperationError("database-damaged", `the database ${file} is damaged: ${String(verdict)}`);
}

function translated<Result>(file: string, work: () => Result): Result {
	try {
		return work();
	} catch (error) {
		throw translate(file, error);
	}
}

function translate(file: string, error: unknown): unknown {
	if (error instanceof TypeError && !existsSync(file)) {
		return new OperationError("database-read-only", `the database ${file} cannot be made: no such folder`, {
			cause: error,
		});
	}
	if (!(error instanceof Sqlite.SqliteError)) return error;
	const primary = error.code.split("_").slice(0, 2).join("_");
	const failure = failureOf[primary];
	if (failure === undefined) return error;
	return new OperationError(
		failure.code,
		`the database ${file} cannot be used: ${failure.reason} (${error.code})`,
		{ cause: error },
	);
}
