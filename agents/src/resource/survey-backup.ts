import {
	type ArchiveId,
	type Consistency,
	type Manifest,
	OperationError,
	type Params,
	type RepositoryName,
	resourceOf,
	Sha256,
} from "@davit/protocol";
import type { OperationContext } from "../operation.ts";
import { openRestic } from "../restic/find-restic.ts";
import { readRepositoryId } from "../restic/snapshots.ts";
import type { BackupFacts } from "./archive-steps.ts";
import { lackOfSpace } from "./check-space.ts";
import { planHooks } from "./hook-steps.ts";
import { type Located, locate } from "./locate.ts";
import { lookAtWriters, type Surveying } from "./look-at-writers.ts";
import { parsePlaced } from "./place.ts";
import { policyFor, policyOf, withoutSnapshot } from "./policy.ts";
import { predictDowntime } from "./predict-downtime.ts";
import { reachOf } from "./reach-place.ts";
import { planSnapshot, planWithoutSnapshot } from "./snapshot-steps.ts";

export interface BackupSurvey {
	readonly facts: BackupFacts;
	/** The rung that it is on if nothing comes between. */
	readonly consistency: Consistency;
	/** Absent where it cannot be known before it is read. */
	readonly size?: { readonly entries: number; readonly contentBytes: number };
	/** On the disk of this host's archives; absent where it goes into a repository. */
	readonly freeBytes?: number;
}

type BackupParams = Params<"volume.backup" | "path.backup">;

/**
 * Finds out all that a backup would do, and does nothing.
 * @throws OperationError volume-not-found | path-not-found | path-not-allowed | hook-not-allowed | docker-unreachable | unsupported
 */
export async function surveyBackup(
	params: BackupParams,
	archive: ArchiveId,
	surveying: Surveying,
): Promise<BackupSurvey> {
	const { context, signal, object } = surveying;
	const located = await locate(resourceOf(params), context, signal);
	refuseMissing(located);
	const hooks = await planHooks(located, params.hooks, { context, signal });
	const repository =
		params.repository === undefined
			? undefined
			: await requireRepository(params.repository, located, { context, signal });
	const size = await measure(located, context, signal);
	const freeBytes = repository === undefined ? await context.archives.freeBytes() : undefined;
	if (freeBytes !== undefined)
		checkSpace(located, { needBytes: size?.contentBytes ?? 0, freeBytes }, surveying);
	const { place, labels } = located;
	const policy = policyFor(params.consistency, policyOf(place.resource, labels, context.config));
	const snapshot =
		repository === undefined
			? await planSnapshot(located, policy, { context, signal })
			: planWithoutSnapshot("a backup into a repository reads the data itself", policy);
	const isForced = params.forceDatabaseFiles === true;
	const copying = { located, snapshot, isForced, doing: "backed up" } as const;
	const writers = await lookAtWriters(copying, { context, signal, object });
	const { unknown } = writers;
	const rung = unknown === undefined ? withoutSnapshot(policy) : "live";
	const consistency: Consistency = snapshot.snapshot === undefined ? rung : "snapshot";
	const facts: BackupFacts = {
		...{ ...located, archive, ...writers, ...snapshot, ...hooks },
		...(unknown === undefined ? {} : { notes: [...snapshot.notes, unknown] }),
		...(size === undefined ? {} : { expectedBytes: size.contentBytes }),
		...(repository === undefined ? {} : { repository }),
	};
	const prediction = await predict(facts, { consistency, size }, context);
	return {
		...{ facts: { ...facts, prediction }, consistency },
		...(size === undefined ? {} : { size }),
		...(freeBytes === undefined ? {} : { freeBytes }),
	};
}

async function predict(
	{ place, treated, repository }: BackupFacts,
	{ consistency, size }: { readonly consistency: Consistency; readonly size: BackupSurvey["size"] },
	{ archives }: OperationContext,
): Promise<NonNullable<BackupFacts["prediction"]>> {
	const predictedDowntimeMs = await predictDowntime(
		{
			...{ resource: place.resource, consistency, holdsWriters: treated.length > 0 },
			...(size === undefined ? {} : { contentBytes: size.contentBytes }),
			...(repository === undefined ? {} : { repository: repository.name }),
		},
		archives,
	);
	return predictedDowntimeMs === undefined ? {} : { predictedDowntimeMs };
}

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

/** Undefined over the archive API: how much it will give cannot be known before. */
async function measure(
	located: Located,
	context: OperationContext,
	signal: AbortSignal,
): Promise<BackupSurvey["size"]> {
	if (located.dataPath === "archive-api") return undefined;
	return reachOf(located, context).do({ kind: "measure", root: located.place.folder }, { signal });
}

function checkSpace(
	{ place }: Located,
	space: { readonly needBytes: number; readonly freeBytes: number },
	{ context: { config }, object }: Surveying,
): void {
	const lack = lackOfSpace({
		...{ what: `the archive of ${place.resource}`, path: config.archivesPath },
		...{ ...space, reserveBytes: config.minimumFreeBytes },
	});
	if (lack !== undefined) object(lack);
}
