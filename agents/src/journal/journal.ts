import { randomUUID } from "node:crypto";
import { mkdirSync, statfsSync } from "node:fs";
import { dirname, join } from "node:path";
import { OperationError } from "@davit/protocol";
import { commit, type Database, openDatabase, requireFullSynchronous } from "./database.ts";
import { makeTables } from "./schema.ts";

/** Where the journal of an agent lies below its `DAVIT_HOME`. */
export function journalFile(home: string): string {
	return join(home, "agent", "journal.sqlite");
}

/** A command could be sent again for so long; afterwards its start-by time, epoch and fence still refuse it. */
const rememberedMs = 40 * 24 * 60 * 60 * 1_000;

export interface JournalOptions {
	/** A file, or `:memory:`. */
	readonly file: string;
	readonly now: () => number;
	/** Bytes that must be free on the journal's disk before an intent is written. */
	readonly reserveBytes: number;
	/** Bytes that are free on the journal's disk; asked of the disk itself where this is not given. */
	readonly freeBytes?: (() => number) | undefined;
	/** Called with `before NAME` and `after NAME` around every write, so that a test can die at each of them. */
	readonly onWrite?: ((point: string) => void) | undefined;
	/** An open database to use, and to leave open, instead of `file`. */
	readonly database?: Database | undefined;
}

/**
 * What an agent remembers. Everything is synchronous: when a write returns it is on the disk. A write that fails is
 * nobody's to catch but the program's: without its journal an agent may not go on.
 */
export class Journal implements Disposable {
	/** A new one tells the coordinator that the agent's memory was lost. */
	readonly id: string;
	/** The agent's life: rises by one with each open. */
	readonly agentEpoch: number;
	readonly #database: Database;
	readonly #options: JournalOptions;

	/** @throws OperationError database-locked | database-read-only | database-damaged | disk-full | unsupported */
	static open(options: JournalOptions): Journal {
		const database = options.database ?? openJournalFile(options);
		try {
			return new Journal(database, options);
		} catch (error) {
			if (options.database === undefined) database.close();
			throw error;
		}
	}

	private constructor(database: Database, options: JournalOptions) {
		this.#database = database;
		this.#options = options;
		const { id, agentEpoch } = this.write("open", () => beginLife(database, options.now()));
		requireFullSynchronous(database);
		this.id = id;
		this.agentEpoch = agentEpoch;
	}

	/** Commits `change` as one transaction. `point` names it, the same in every run. */
	write<Result>(point: string, change: (database: Database) => Result): Result {
		this.#options.onWrite?.(`before ${point}`);
		const result = commit(this.#database, () => change(this.#database));
		this.#options.onWrite?.(`after ${point}`);
		return result;
	}

	read<Result>(look: (database: Database) => Result): Result {
		return look(this.#database);
	}

	/** The highest coordinator's epoch that was obeyed. */
	get coordinatorEpoch(): number {
		return Number(readMeta(this.#database, "coordinator-epoch") ?? 0);
	}

	/** @throws OperationError disk-full, while there is still room to write down that an operation is undone */
	requireSpace(): void {
		const freeBytes = this.#options.freeBytes?.() ?? freeBytesAt(this.#database);
		if (freeBytes >= this.#options.reserveBytes) return;
		throw new OperationError(
			"disk-full",
			`the disk of the journal ${this.#database.name} has ${freeBytes} bytes free, and the next step needs ` +
				`${this.#options.reserveBytes} to be written down safely`,
		);
	}

	[Symbol.dispose](): void {
		if (this.#options.database === undefined) this.#database.close();
	}
}

/** Raises the coordinator's epoch, inside a transaction. */
export function seeCoordinatorEpoch(database: Database, epoch: number): void {
	if (epoch > Number(readMeta(database, "coordinator-epoch") ?? 0)) {
		writeMeta(database, "coordinator-epoch", String(epoch));
	}
}

function openJournalFile({ file }: JournalOptions): Database {
	if (file !== ":memory:") makeFolder(dirname(file));
	return openDatabase(file);
}

function makeFolder(folder: string): void {
	try {
		mkdirSync(folder, { recursive: true, mode: 0o700 });
	} catch (error) {
		throw new OperationError("database-read-only", `the journal's folder ${folder} cannot be made`, {
			cause: error,
		});
	}
}

function beginLife(database: Database, nowMs: number): { id: string; agentEpoch: number } {
	makeTables(database);
	const id = readMeta(database, "journal") ?? randomUUID();
	const agentEpoch = Number(readMeta(database, "agent-epoch") ?? 0) + 1;
	writeMeta(database, "journal", id);
	writeMeta(database, "agent-epoch", String(agentEpoch));
	forgetOldCommands(database, nowMs - rememberedMs);
	return { id, agentEpoch };
}

function forgetOldCommands(database: Database, beforeMs: number): void {
	const old = `SELECT command FROM inbox WHERE received_at_ms < ?
		AND command NOT IN (SELECT command FROM outbox)
		AND command NOT IN (SELECT command FROM locks)
		AND command NOT IN (SELECT command FROM operations WHERE phase <> 'ended')`;
	database.prepare(`DELETE FROM steps WHERE command IN (${old})`).run(beforeMs);
	const newest = "SELECT max(command) FROM operations WHERE operation NOT LIKE '%.plan' GROUP BY resource";
	database
		.prepare(`DELETE FROM operations WHERE command IN (${old}) AND command NOT IN (${newest})`)
		.run(beforeMs);
	database
		.prepare(
			`DELETE FROM inbox WHERE command IN (${old}) AND command NOT IN (SELECT command FROM operations)`,
		)
		.run(beforeMs);
}

function readMeta(database: Database, key: string): string | undefined {
	return database.prepare<[string], { value: string }>("SELECT value FROM meta WHERE key = ?").get(key)
		?.value;
}

function writeMeta(database: Database, key: string, value: string): void {
	database
		.prepare("INSERT INTO meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
		.run(key, value);
}

function freeBytesAt(database: Database): number {
	if (database.memory) return Number.MAX_SAFE_INTEGER;
	const disk = statfsSync(dirname(database.name));
	return disk.bavail * disk.bsize;
}
