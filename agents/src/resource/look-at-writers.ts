import { type FailureCode, type Manifest, OperationError } from "@davit/protocol";
import { engineAway } from "../docker/require-engine.ts";
import type { OperationContext } from "../operation.ts";
import { findUsersNow, isAlive, type User } from "./find-users.ts";
import type { Located } from "./locate.ts";
import { planForCopy, type Treated } from "./plan-treatment.ts";
import { withoutSnapshot } from "./policy.ts";
import { type Asked, refuseDatabases } from "./refuse-databases.ts";
import type { SnapshotFacts } from "./snapshot-steps.ts";

/** Who could write when a copy began, and what is done about it. */
export type WriterFacts = {
	readonly startedAtMs: number;
	readonly treated: readonly Treated[];
	/** All that could write when it began, and what is done with each. */
	readonly writers: Manifest["writers"];
	/** Warnings of databases that are copied while they run, because that was asked for. */
	readonly forced?: readonly string[];
	/** So that what is known only later can be judged as what was known before; absent in facts of an older Davit. */
	readonly asked?: Asked;
	/** Why it is not known who writes. */
	readonly unknown?: string;
	/** False for a live copy, and where there is no engine. */
	readonly watches?: boolean;
};

export interface Surveying {
	readonly context: OperationContext;
	readonly signal: AbortSignal;
	/** Takes what stands against the copy; where it throws, the survey ends. */
	readonly object: (blocker: OperationError) => void;
}

/**
 * To be called last before the first step: the states of containers move fastest. What stands against it is `database-files` or
 * `resource-in-use`.
 * @throws OperationError docker-unreachable
 */
export async function lookAtWriters(
	copying: Asked & {
		readonly located: Located;
		readonly snapshot: SnapshotFacts;
	},
	{ context, signal, object }: Surveying,
): Promise<WriterFacts> {
	const { located, snapshot, isForced, doing } = copying;
	const { policy } = snapshot;
	const startedAtMs = context.now();
	const { engine } = context;
	const users = await findUsersNow(located.place, engine, signal);
	const planned = engine === undefined ? [] : planForCopy(users, withoutSnapshot(policy), { engine, signal });
	const treated = await orObject("resource-in-use", planned, { object, otherwise: [] });
	const isAtOnce = snapshot.snapshot !== undefined;
	const writing = { located, users, treated, isForced, isAtOnce, doing };
	const refusing = refuseDatabases(writing, context, signal);
	const forced = await orObject("database-files", refusing, { object, otherwise: [] });
	const writers = describeWriters(users, treated);
	const unknown = engineAway(context);
	const watches = engine !== undefined && policy.consistency !== "live";
	return {
		...{ startedAtMs, treated, writers, watches, forced, asked: { isForced, doing } },
		...(unknown === undefined ? {} : { unknown }),
	};
}

/** What was found; where that failed with the code, an objection, and what there is otherwise. */
export async function orObject<Found>(
	code: FailureCode,
	found: Found | Promise<Found>,
	{ object, otherwise }: { readonly object: Surveying["object"]; readonly otherwise: Found },
): Promise<Found> {
	try {
		return await found;
	} catch (error) {
		if (!(error instanceof OperationError) || error.code !== code) throw error;
		object(error);
		return otherwise;
	}
}

export function describeWriters(users: readonly User[], treated: readonly Treated[]): Manifest["writers"] {
	return users
		.filter(({ writes, state }) => writes && isAlive(state))
		.map(({ id, container, state }) => {
			const known = treated.find((one) => one.id === id);
			return { container, treatment: known?.treatment ?? (state === "paused" ? "paused" : "live") };
		});
}
