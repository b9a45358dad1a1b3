import { type ArchiveId, type CommandId, Instant, OperationError, type PlanAction } from "@davit/protocol";
import type { Wanted } from "../files/job.ts";
import type { OperationContext } from "../operation.ts";
import type { Located } from "./locate.ts";
import { type DataPath, reachOf } from "./reach-place.ts";
import { requireOwnArchive } from "./require-own-archive.ts";

/** What will be in place after a swap. */
export interface Source {
	readonly archive: ArchiveId;
	readonly contentAt: Instant;
	readonly wanted: Wanted;
	/** What it takes on the disk beside the present data. */
	readonly needBytes: number;
	/** Its content is in a repository: a part of it is brought to the disk before it is put together with the present data. */
	readonly isStored?: boolean;
	readonly entries: number;
	/** Changes when it is another: the manifest's hash, or the command that set the data aside. */
	readonly identity: string;
	/** Of an undo: whose kept data it is, and where. */
	readonly kept?: { readonly command: CommandId; readonly folder: string };
	/** Of a deleted volume: what it is made again with. */
	readonly labels: Readonly<Record<string, string>>;
}

/**
 * What an action puts in place.
 * @throws OperationError archive-not-found | archive-foreign | archive-corrupt | undo-not-found
 */
export function findSource(
	located: Located,
	action: PlanAction,
	{ context, signal }: Finding,
): Promise<Source> {
	return action.action === "restore"
		? archiveSource(located, action.archive, context)
		: keptSource(located, { context, signal });
}

interface Finding {
	readonly context: OperationContext;
	readonly signal: AbortSignal;
}

async function archiveSource(
	{ place: { resource } }: Located,
	archive: ArchiveId,
	{ archives }: OperationContext,
): Promise<Source> {
	const { summary, folder, manifest } = await requireOwnArchive(archive, resource, archives);
	await archives.findSound(archive);
	if (summary.damaged) {
		throw new OperationError("archive-corrupt", `archive ${archive} of ${resource} is known to be damaged`);
	}
	return {
		...{ archive, contentAt: manifest.takenAt, wanted: { archive: folder }, entries: manifest.entries },
		...{ needBytes: manifest.contentBytes, identity: summary.manifestSha256 },
		isStored: manifest.repository !== undefined,
		labels: manifest.volumeLabels ?? {},
	};
}

async function keptSource(located: Located, { context, signal }: Finding): Promise<Source> {
	const { resource } = located.place;
	const { undoPoints } = context;
	const point = undoPoints.of(resource);
	if (point === undefined) {
		throw new OperationError("undo-not-found", `nothing of ${resource} is kept to go back to`);
	}
	const { folder, setAsideAt } = readKeptPlace(point.place);
	if (point.isOver) {
		throw new OperationError("undo-not-found", `the old data of ${resource} was kept until ${point.until}`);
	}
	const seen = await reachOf(located, context).do({ kind: "look", folder }, { signal });
	if (!seen.isFolder) {
		throw new OperationError("undo-not-found", `the old data of ${resource} is not in ${folder} any more`);
	}
	return {
		...{ archive: point.archive, contentAt: setAsideAt, wanted: { tree: folder }, entries: 0, needBytes: 0 },
		...{ identity: point.command, kept: { command: point.command, folder }, labels: {} },
	};
}

/** Where an undo point's data lies, as `keep-undo` wrote it. */
export function readKeptPlace(place: Readonly<Record<string, unknown>>): {
	readonly folder: string;
	readonly setAsideAt: Instant;
	readonly dataPath: DataPath;
} {
	const { folder, setAsideAt, dataPath } = place;
	if (typeof folder !== "string") throw new TypeError("an undo point says no folder");
	const isHelper = dataPath === "helper";
	return { folder, setAsideAt: Instant.parse(setAsideAt), dataPath: isHelper ? "helper" : "host-path" };
}

/** All folders that an undo point keeps: a stack's has one for each part. */
export function readKeptPlaces(
	place: Readonly<Record<string, unknown>>,
): readonly { readonly folder: string; readonly dataPath: DataPath }[] {
	const { stack } = place;
	if (stack === undefined) return [readKeptPlace(place)];
	// `keep-undo` of a stack wrote it from a value of this type.
	return (stack as { readonly kept: { folder: string; dataPath: DataPath }[] }).kept;
}
