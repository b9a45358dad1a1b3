import {
	type ArchiveId,
	type CommandId,
	Instant,
	OperationError,
	type PlanAction,
	type ResourceId,
} from "@davit/protocol";
import type { Wanted } from "../files/job.ts";
import type { OperationContext } from "../operation.ts";
import { isFolder } from "./place.ts";

/** What will be in place after a swap. */
export interface Source {
	readonly archive: ArchiveId;
	readonly contentAt: Instant;
	readonly wanted: Wanted;
	/** What it takes on the disk beside the present data. */
	readonly needBytes: number;
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
	resource: ResourceId,
	action: PlanAction,
	context: OperationContext,
): Promise<Source> {
	return action.action === "restore"
		? archiveSource(resource, action.archive, context)
		: keptSource(resource, context);
}

async function archiveSource(
	resource: ResourceId,
	archive: ArchiveId,
	{ archives }: OperationContext,
): Promise<Source> {
	const { summary, folder, manifest } = await archives.find(archive);
	if (manifest.resource !== resource) {
		throw new OperationError(
			"archive-foreign",
			`archive ${archive} is of ${manifest.resource}, not of ${resource}`,
		);
	}
	if (summary.damaged) {
		throw new OperationError("archive-corrupt", `archive ${archive} of ${resource} is known to be damaged`);
	}
	return {
		...{ archive, contentAt: manifest.takenAt, wanted: { archive: folder }, entries: manifest.entries },
		...{ needBytes: manifest.contentBytes, identity: summary.manifestSha256 },
		labels: manifest.volumeLabels ?? {},
	};
}

async function keptSource(resource: ResourceId, { undoPoints, now }: OperationContext): Promise<Source> {
	const point = undoPoints.of(resource);
	if (point === undefined) {
		throw new OperationError("undo-not-found", `nothing of ${resource} is kept to go back to`);
	}
	const { folder, setAsideAt } = readKeptPlace(point.place);
	if (Date.parse(point.until) <= now()) {
		throw new OperationError("undo-not-found", `the old data of ${resource} was kept until ${point.until}`);
	}
	if (!(await isFolder(folder))) {
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
} {
	const { folder, setAsideAt } = place;
	if (typeof folder !== "string") throw new TypeError("an undo point says no folder");
	return { folder, setAsideAt: Instant.parse(setAsideAt) };
}
