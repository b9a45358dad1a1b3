import {
	BackupResult,
	type Manifest,
	OperationError,
	type RepositoryName,
	resourceOf,
	Sha256,
} from "@davit/protocol";
import { z } from "zod";
import type { Operation, OperationContext } from "../operation.ts";
import { openRestic } from "../restic/find-restic.ts";
import { readRepositoryId } from "../restic/snapshots.ts";
import { archiveSteps, type BackupFacts, consistencyOf, notesOf, takenAt } from "./archive-steps.ts";
import { lackOfSpace } from "./check-space.ts";
import { findUsersNow, isAlive, type User } from "./find-users.ts";
import { hooksOf, hookWarningsOf, planHooks } from "./hook-steps.ts";
import { type Located, locate } from "./locate.ts";
import { parsePlaced } from "./place.ts";
import { planForCopy, type Treated } from "./plan-treatment.ts";
import { policyFor, policyOf, withoutSnapshot } from "./policy.ts";
import { reachOf } from "./reach-place.ts";
import { refuseDatabases } from "./refuse-databases.ts";
import { repositorySteps } from "./repository-steps.ts";
import { planSnapshot, planWithoutSnapshot, snapshotOf } from "./snapshot-steps.ts";
import { downtimeOf, warningsOf } from "./writer-steps.ts";

/**
 * Copies a resource into a verified archive. Its writers are stopped, paused or left alone for the length of the copy, and brought
 * back before the archive is read back. A failure leaves no archive.
 */
export const backUp: Operation<"volume.backup" | "path.backup", BackupFacts> = {
	async prepare(params, context, signal) {
		const located = await locate(resourceOf(params), context, signal);
		refuseMissing(located);
		const hooks = await planHooks(located, params.hooks, { context, signal });
		const repository =
			params.repository === undefined
				? undefined
				: await requireRepository(params.repository, located, { context, signal });
		if (repository === undefined) await requireSpace(located, context, signal);
		const { place, labels } = located;
		const policy = policyFor(params.consistency, policyOf(place.resource, labels, context.config));
		const snapshot =
			repository === undefined
				? await planSnapshot(located, policy, { context, signal })
				: planWithoutSnapshot("a backup into a repository reads the data itself", policy);
		// The states of containers move fastest, so they are looked at last.
		const startedAtMs = context.now();
		const { engine } = context;
		const users = await findUsersNow(place, engine, signal);
		const treated =
			engine === undefined ? [] : await planForCopy(users, withoutSnapshot(policy), { engine, signal });
		const archive = context.archives.archiveOf(context.command);
		const isForced = params.forceDatabaseFiles === true;
		const writing = { located, users, treated, isForced, isAtOnce: snapshot.snapshot !== undefined };
		const forced = await refuseDatabases(writing, context, signal);
		const writers = describeWriters(users, treated);
		const watches = engine !== undefined && policy.consistency !== "live";
		return {
			...{ ...located, archive, startedAtMs, treated, writers, watches, forced, ...snapshot, ...hooks },
			...(repository === undefined ? {} : { repository }),
		};
	},
	steps(facts, context) {
		const { repository } = facts;
		return repository === undefined
			? archiveSteps(facts, context)
			: repositorySteps({ ...facts, repository }, context);
	},
	result(facts, outputs) {
		const copied = Copied.parse(outputs.get("copy"));
		const sealed = Sealed.parse(outputs.get("seal"));
		// Missing where the agent ended between reading it back and writing that down.
		const { atMs } = Timed.parse(outputs.get("verify") ?? sealed);
		const strays = [...warningsOf(outputs), ...hookWarningsOf(outputs)];
		const hooks = hooksOf(outputs);
		const warnings = [...strays, ...(facts.forced ?? []), ...copied.warnings].slice(0, 50);
		const result = BackupResult.parse({
			...{ archive: facts.archive, takenAt: takenAt(facts), bytes: sealed.bytes },
			...{ contentBytes: copied.contentBytes, entries: copied.entries, warnings },
			...{ consistency: consistencyOf(facts, outputs), downtimeMs: downtimeOf(outputs) },
			durationMs: Math.max(0, Math.round(atMs - facts.startedAtMs)),
			...notesOf(facts, snapshotOf(outputs).notes),
			...(hooks.length === 0 ? {} : { hooks }),
		});
		return { state: warnings.length === 0 ? "succeeded" : "partial", result };
	},
};

const Timed = z.object({ atMs: z.number() });
const Copied = z.object({ entries: z.int(), contentBytes: z.int(), warnings: z.array(z.string()) });
const Sealed = z.object({ bytes: z.int(), atMs: z.number() });

/** The repository by its own id, which shows that it is there and opens. */
async function requireRepository(
	name: RepositoryName,
	{ place, dataPath }: Located,
	{ context, signal }: { readonly context: OperationContext; readonly signal: AbortSignal },
): Promise<NonNullable<Manifest["repository"]>> {
	const restic = await openRestic(name, context.config);
	if (dataPath !== "host-path") {
		throw new OperationError(
			"path-not-allowed",
			`${place.resource} cannot be backed up into repository ${name}: the agent may not read ${place.folder} itself`,
			{ hint: "run the agent as root, or back up without --to" },
		);
	}
	const id = Sha256.parse(await readRepositoryId(restic, signal));
	return { name, id, folder: place.folder };
}

function refuseMissing({ place }: Located): void {
	if (place.exists) return;
	const resource = parsePlaced(place);
	if (resource.kind === "path") {
		throw new OperationError("path-not-found", `${resource.path} cannot be backed up: it is not there`);
	}
	throw new OperationError(
		"volume-not-found",
		`volume ${resource.volume} cannot be backed up: the engine has none`,
	);
}

async function requireSpace(located: Located, context: OperationContext, signal: AbortSignal): Promise<void> {
	const { archives, config } = context;
	const { place, dataPath } = located;
	// How much the archive API will give cannot be known before.
	const needBytes =
		dataPath === "archive-api"
			? 0
			: (await reachOf(located, context).do({ kind: "measure", root: place.folder }, { signal }))
					.contentBytes;
	const lack = lackOfSpace({
		...{ what: `the archive of ${place.resource}`, path: config.archivesPath, needBytes },
		...{ freeBytes: await archives.freeBytes(), reserveBytes: config.minimumFreeBytes },
	});
	if (lack !== undefined) throw lack;
}

export function describeWriters(users: readonly User[], treated: readonly Treated[]): Manifest["writers"] {
	return users
		.filter(({ writes, state }) => writes && isAlive(state))
		.map(({ id, container, state }) => {
			const known = treated.find((one) => one.id === id);
			return { container, treatment: known?.treatment ?? (state === "paused" ? "paused" : "live") };
		});
}
