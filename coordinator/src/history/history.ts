import { answersIn } from "./answers.ts";
import { type Database, openDatabase } from "./database.ts";
import { hostsIn } from "./hosts.ts";
import { accountsIn, intentsIn } from "./intents.ts";
import { runsIn } from "./runs.ts";
import { schema } from "./schema.ts";

/** Every place where the history is written, so that tests can stop the coordinator at each of them. */
export const writePoints = [
	"epoch",
	"host",
	"resource",
	"request",
	"rejection",
	"reissue",
	"report",
	"part",
	"verdict",
	"cancel",
	"plan",
	"schedule",
	"due",
	"cleared",
	"account",
	"invitation",
] as const;
export type WritePoint = (typeof writePoints)[number];

/** Called inside the transaction just before its commit, and again after it. What it throws goes through. */
export type OnWrite = (point: WritePoint, moment: "before-commit" | "after-commit") => void;

export interface HistoryOptions {
	/** `:memory:` forgets everything when it is closed. */
	readonly file: string;
	/** Milliseconds since 1970. */
	readonly now: () => number;
	readonly onWrite?: OnWrite | undefined;
	/** An open database with the schema to use, and to leave open, instead of `file`. */
	readonly database?: Database | undefined;
}

export type History = ReturnType<typeof openHistory>;

/**
 * Opens the fleet's memory and raises the coordinator's epoch.
 * @throws OperationError database-locked | database-read-only | database-damaged | disk-full
 */
export function openHistory({ file, now, onWrite, database: given }: HistoryOptions) {
	const database = given ?? openDatabase(file, schema);
	const close = () => {
		if (given === undefined) database.close();
	};
	let uncommitted: WritePoint[] | undefined;
	const write = <T>(point: WritePoint, work: () => T): T => {
		const result = database.transaction(() => {
			const value = work();
			onWrite?.(point, "before-commit");
			return value;
		});
		if (uncommitted === undefined) onWrite?.(point, "after-commit");
		else uncommitted.push(point);
		return result;
	};
	const together = <Done>(work: () => Done): Done => {
		const points: WritePoint[] = [];
		uncommitted = points;
		let done: Done;
		try {
			done = database.transaction(work);
		} finally {
			uncommitted = undefined;
		}
		for (const point of points) onWrite?.(point, "after-commit");
		return done;
	};
	const readEpoch = () => Number(database.get("SELECT value FROM meta WHERE key = 'epoch'")?.["value"]);
	const writeEpoch = (epoch: number) =>
		database.run("UPDATE meta SET value = ? WHERE key = 'epoch'", String(epoch));
	let epoch: number;
	try {
		epoch = write("epoch", () => {
			// Not below the clock's seconds, so that a history that was lost or put back does not fall behind its agents.
			const next = Math.max(readEpoch() + 1, Math.floor(now() / 1000));
			writeEpoch(next);
			return next;
		});
	} catch (error) {
		close();
		throw error;
	}
	return {
		/** Of this life of the coordinator. */
		epoch,
		/** The next life will have a higher epoch than `seen`; this one stays what it is. */
		passEpoch: (seen: number) => write("epoch", () => writeEpoch(Math.max(readEpoch(), seen))),
		runs: runsIn(database),
		answers: answersIn(database),
		hosts: hostsIn(database),
		intents: intentsIn(database),
		accounts: accountsIn(database),
		/** All of `work` or nothing of it, on disk when it returns. */
		write,
		/** Makes one transaction of all that `work` writes: on disk when it returns, and nothing of it where it throws. */
		together,
		close,
		[Symbol.dispose]: close,
	};
}
