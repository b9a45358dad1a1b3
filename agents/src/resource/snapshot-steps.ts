import { OperationError } from "@davit/protocol";
import { z } from "zod";
import type { OperationContext, Step } from "../operation.ts";
import type { Snapshot } from "../snapshot/method.ts";
import { runTool } from "../snapshot/run-tool.ts";
import { findSnapshot, removalMs, removeSnapshot, takeSnapshot } from "../snapshot/snapshots.ts";
import { findUsersNow } from "./find-users.ts";
import type { Located } from "./locate.ts";
import { noteNoSnapshot, type Policy } from "./policy.ts";
import { type Asked, refuseDatabases, type Writing } from "./refuse-databases.ts";

export type SnapshotFacts = {
	/** Absent where none is taken. */
	readonly snapshot?: Snapshot;
	readonly policy: Policy;
	/** What is done otherwise than asked, and why. */
	readonly notes: readonly string[];
};

/** Which snapshot a backup will be read from; where the policy wants one and there can be none, a note says why. */
export async function planSnapshot(
	{ place, dataPath }: Located,
	policy: Policy,
	{ context, signal }: { readonly context: OperationContext; readonly signal: AbortSignal },
): Promise<SnapshotFacts> {
	if (policy.consistency !== "snapshot") return { policy, notes: [] };
	const without = (why: string) => planWithoutSnapshot(why, policy);
	if (dataPath !== "host-path" || process.geteuid?.() !== 0) {
		return without("only an agent that is root and sees the data can take one");
	}
	const { command, config } = context;
	const wish = { folder: place.folder, command, home: config.home };
	const found = await findSnapshot(wish, { run: runTool, signal });
	return typeof found === "string" ? without(found) : { policy, snapshot: found, notes: [] };
}

/** The facts of a backup that is not read from one; a note says why where the policy wants it. */
export function planWithoutSnapshot(why: string, policy: Policy): SnapshotFacts {
	return { policy, notes: policy.consistency === "snapshot" ? [noteNoSnapshot(why, policy)] : [] };
}

const Lines = z.array(z.string()).default([]);
/** `forced`: warnings of databases that are copied while they run after all. */
const Taken = z.object({ isTaken: z.boolean(), notes: Lines, forced: Lines });
const Dropped = z.object({ notes: Lines });

/** What became of the snapshot; nothing where there was to be none. */
export function snapshotOf(outputs: ReadonlyMap<string, unknown>): z.infer<typeof Taken> {
	const { notes, ...taken } = Taken.parse(outputs.get("snapshot") ?? { isTaken: false });
	return { ...taken, notes: [...notes, ...Dropped.parse(outputs.get("drop-snapshot") ?? {}).notes] };
}

type SnapshottedFacts = Located & SnapshotFacts & Pick<Writing, "treated"> & { readonly asked?: Asked };

/** Around a copy that is read from a snapshot: writers wait for the first only. Undefined where there is none. */
export function snapshotSteps(
	facts: SnapshottedFacts,
	context: OperationContext,
	copy: Step,
): { readonly take: Step; readonly drop: Step } | undefined {
	const { snapshot, policy } = facts;
	if (snapshot === undefined) return undefined;
	const { home } = context.config;
	const intent = { snapshot: snapshot.name, of: snapshot.of, method: snapshot.method };
	const remove = () =>
		removeSnapshot(snapshot, home, { run: runTool, signal: AbortSignal.timeout(removalMs) });
	const take: Step = {
		name: "snapshot",
		intent,
		async run(signal) {
			try {
				await takeSnapshot(snapshot, home, { run: runTool, signal });
				return { isTaken: true };
			} catch (error) {
				if (!isRefusal(error)) throw error;
				// Writers are still as they were asked to be, so the next rung is a copy of all of it now.
				const forced = await lookAgain(facts, context, signal);
				await copy.run(signal);
				return { isTaken: false, forced, notes: [noteNoSnapshot(error.message, policy)] };
			}
		},
		probe: async () => "partial",
		async undo() {
			await copy.undo();
			await insist(remove, context);
		},
	};
	const drop: Step = {
		name: "drop-snapshot",
		intent,
		async run() {
			const left = await insist(remove, context);
			return left === undefined ? undefined : { notes: [left] };
		},
		probe: async () => "absent",
		// What it does is what the undo of `snapshot` does.
		undo: async () => undefined,
	};
	return { take, drop };
}

/** A snapshot is of one moment, so nobody looked for databases: a copy of many moments must not take them. */
async function lookAgain(
	facts: SnapshottedFacts,
	context: OperationContext,
	signal: AbortSignal,
): Promise<readonly string[]> {
	const { treated, asked = { isForced: false, doing: "backed up" } } = facts;
	const users = await findUsersNow(facts.place, context.engine, signal);
	return refuseDatabases({ located: facts, users, treated, isAtOnce: false, ...asked }, context, signal);
}

/** A snapshot that cannot be removed now is no reason to throw an archive away: the agent tries again every minute. */
async function insist(remove: () => Promise<void>, { log }: OperationContext): Promise<string | undefined> {
	try {
		await remove();
		return undefined;
	} catch (error) {
		if (!isRefusal(error)) throw error;
		log.warn({ err: error }, "a snapshot could not be removed yet");
		return `the snapshot is still there and is removed later: ${error.message}`;
	}
}

function isRefusal(error: unknown): error is OperationError {
	return error instanceof OperationError && error.code === "snapshot-refused";
}
