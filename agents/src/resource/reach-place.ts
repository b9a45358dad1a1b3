import { dirname } from "node:path";
import type { Manifest } from "@davit/protocol";
import type { Archives } from "../archives/archives.ts";
import { type ContainedContext, type Mount, runContained } from "../container/run-contained.ts";
import { requireEngine } from "../docker/require-engine.ts";
import type { FileContext, Wanted } from "../files/job.ts";
import { runFileJob } from "../files/run-job.ts";
import type { Place } from "./place.ts";
import { performPlaceJob } from "./place-job.ts";
import { isFileJob, type ReachJob, type ReachResult } from "./reach-job.ts";

export type DataPath = Manifest["dataPath"];

/** Hands on the files of one place: the agent's own, or a helper container's. Paths are the engine's host's in both. */
export interface Reach {
	/** @throws OperationError of the job itself; of the helper docker-refused, docker-unreachable, unsupported */
	do<Job extends ReachJob>(job: Job, context: FileContext): Promise<ReachResult<Job>>;
}

/** The same for as long as the facts of an operation are: what began in a helper container goes on and back in one. */
export function reachOf({ place, dataPath }: Reached, context: ReachContext): Reach {
	const reach = dataPath === "helper" ? overContainer(place, context) : direct;
	return { do: async (job, fileContext) => reach.do(await context.archives.equip(job), fileContext) };
}

/** For jobs that touch no archive. */
export const withoutKeys: ReachContext["archives"] = { equip: async (job) => job };

export interface Reached {
	readonly place: Place;
	readonly dataPath: DataPath;
}

export type ReachContext = Pick<ContainedContext, "command"> &
	Parameters<typeof requireEngine>[0] & {
		readonly config: { readonly home: string };
		/** Encrypted archives are written and read with its keys. */
		readonly archives: Pick<Archives, "equip">;
	};

const direct: Reach = {
	async do<Job extends ReachJob>(job: Job, context: FileContext): Promise<ReachResult<Job>> {
		const done = isFileJob(job) ? runFileJob(job, context) : performPlaceJob(job);
		// Both answer a job of each kind with that kind's result.
		return (await done) as ReachResult<Job>;
	},
};

function overContainer(place: Place, context: ReachContext): Reach {
	return {
		async do<Job extends ReachJob>(job: Job, { signal, onProgress }: FileContext): Promise<ReachResult<Job>> {
			const engine = await requireEngine(context, signal);
			const { command, config } = context;
			const result = await runContained(job, {
				...{ engine, command, home: config.home, mounts: mountsOf(job, place), signal },
				...(onProgress === undefined ? {} : { onProgress }),
			});
			// What is performed in the container answers a job of each kind with that kind's result.
			return result as ReachResult<Job>;
		},
	};
}

/** No more of the engine's host than the job needs, under the same names. */
function mountsOf(job: ReachJob, { folder, exists }: Place): readonly Mount[] {
	const parent = dirname(folder);
	switch (job.kind) {
		case "pack":
			return [reading(job.root), writing(job.directory)];
		case "index":
			return [reading(job.root), writing(job.directory), writing(dirname(job.seen))];
		case "recheck":
			return [reading(job.root), writing(dirname(job.seen))];
		case "measure":
		case "find-databases":
			return [reading(job.root)];
		case "compare":
			return readingAll([...(job.root === undefined ? [] : [job.root]), ...foldersOf(job.wanted)]);
		case "diff":
			return readingAll([...foldersOf(job.before), ...foldersOf(job.after)]);
		case "compose":
			return [writing(parent), reading(job.archive)];
		case "unpack":
			return [writing(parent), reading(job.archive)];
		case "copy":
			return [reading(job.root), writing(dirname(job.target))];
		case "verify":
		case "sample":
			return [reading(job.archive)];
		case "look": {
			// The folder above a volume that is gone is gone too, and may be made again at any moment.
			const above = exists ? writing(parent) : reading(dirname(parent));
			return job.archives === undefined ? [above] : [above, writing(job.archives)];
		}
		case "set-aside":
		case "bring-forward":
		case "put-in-place":
		case "take-back":
		case "is-set-aside":
		case "is-in-place":
		case "remove":
		case "remove-kept":
			return [writing(parent)];
		default:
			return job satisfies never;
	}
}

function foldersOf(wanted: Wanted): string[] {
	if ("tree" in wanted) return [wanted.tree];
	if ("listed" in wanted) return [wanted.listed];
	const over = "over" in wanted ? wanted.over : undefined;
	return over === undefined ? [wanted.archive] : [wanted.archive, over];
}

/** Each once: the engine refuses the same mount twice. */
function readingAll(paths: readonly string[]): Mount[] {
	return [...new Set(paths)].map(reading);
}

function reading(path: string): Mount {
	return { path, writes: false };
}

function writing(path: string): Mount {
	return { path, writes: true };
}
