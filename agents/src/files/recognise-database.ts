import type { FoundDatabase } from "./job.ts";
import { parentOf, type RawPath, rootPath, showRaw } from "./raw-path.ts";

/** What lies beside a database's files only while it runs, or where it was killed. */
export function signOf(path: RawPath): FoundDatabase["kind"] | undefined {
	const name = nameOf(path);
	if (name === "postmaster.pid") return "Postgres";
	if (name === "influxd.bolt") return "InfluxDB";
	if (/.-wal$/.test(name)) return "SQLite";
	return undefined;
}

const sqliteNames = /\.(?:db|db3|sqlite|sqlite3)(?:-wal)?$/;

/** Whether it is called as many a database is; its head says whether it is one. */
export function hasSqliteName(path: RawPath): boolean {
	return sqliteNames.test(nameOf(path));
}

/** The database that a file belongs to, which is the file itself unless it is a journal. */
export function databaseOf(path: RawPath): RawPath {
	return path.replace(/-wal$/, "");
}

const sqliteMagic = Buffer.from("SQLite format 3\0");

/** Bytes of a file's beginning that tell whether it is SQLite's. */
export const sqliteHeadBytes = sqliteMagic.length;

export function isSqliteHead(head: Uint8Array): boolean {
	return sqliteMagic.equals(head.subarray(0, sqliteHeadBytes));
}

/**
 * Takes the files of a tree one by one, in the order of a walk, and says which are a database's by name and head: who has them open
 * cannot be asked where only the engine reads them.
 */
export function recogniseDatabases(): (path: RawPath, head: Uint8Array) => FoundDatabase | undefined {
	const databases = new Set<RawPath>();
	return (path, head) => {
		const sign = signOf(path);
		const isSqlite = isSqliteHead(head);
		if (isSqlite) databases.add(path);
		const isFound =
			sign === "SQLite"
				? databases.has(databaseOf(path))
				: sign !== undefined || (isSqlite && hasSqliteName(path));
		return isFound ? { path: showRaw(path), kind: sign ?? "SQLite" } : undefined;
	};
}

function nameOf(path: RawPath): string {
	return parentOf(path) === rootPath ? path : path.slice(parentOf(path).length + 1);
}
