import { dirname, join } from "node:path";
import {
	type ArchiveId,
	FolderPath,
	OperationError,
	parseResource,
	type ResourceId,
	resourceId,
	VolumeName,
} from "@davit/protocol";
import { freeBytesAt } from "../files/file-failure.ts";
import type { OperationContext } from "../operation.ts";
import { locateVolume } from "../volume/locate-volume.ts";
import { lackOfSpace } from "./check-space.ts";
import { isFolder } from "./place.ts";
import type { Reached } from "./reach-place.ts";
import { scratchFolderPrefix, scratchVolumePrefix } from "./scratch.ts";

interface Wanted {
	readonly resource: ResourceId;
	readonly archive: ArchiveId;
	readonly needBytes: number;
}

/**
 * Where a drill restores to: a volume of its own for a volume, a folder of its own for a folder. Nothing is made yet.
 * @throws OperationError docker-unreachable | docker-refused | unsupported | disk-full
 */
export async function locateScratch(
	wanted: Wanted,
	context: OperationContext,
	signal: AbortSignal,
): Promise<Reached> {
	const resource = parseResource(wanted.resource);
	if (resource.kind === "volume") return scratchVolume(wanted, context, signal);
	if (resource.kind === "path") return scratchFolder(wanted, resource.path, context);
	throw new TypeError(`${wanted.resource} lies in more than one place`);
}

async function scratchVolume(
	wanted: Wanted,
	context: OperationContext,
	signal: AbortSignal,
): Promise<Reached> {
	const name = VolumeName.parse(`${scratchVolumePrefix}${context.command}`);
	const { place, dataPath, sight, whyNoSwap } = await locateVolume(name, context, signal);
	if (dataPath === "archive-api") {
		throw new OperationError(
			"unsupported",
			`archive ${wanted.archive} cannot be drilled: a scratch volume would be out of reach, because ${whyNoSwap}`,
			{ hint: "run the agent as root, or let it use helper containers" },
		);
	}
	refuseLack(wanted, { folder: dirname(dirname(place.folder)), freeBytes: sight.freeBytes, context });
	return { place, dataPath };
}

/** Beside the archives, or beside the folder itself where their disk has no room. */
async function scratchFolder(wanted: Wanted, path: FolderPath, context: OperationContext): Promise<Reached> {
	const { archivesPath, minimumFreeBytes } = context.config;
	const beside = dirname(path);
	const first = { folder: archivesPath, freeBytes: freeBytesAt(archivesPath) };
	const second = (await isFolder(beside)) ? { folder: beside, freeBytes: freeBytesAt(beside) } : first;
	const hasRoom = first.freeBytes >= wanted.needBytes + minimumFreeBytes;
	const { folder, freeBytes } = hasRoom || second.freeBytes <= first.freeBytes ? first : second;
	refuseLack(wanted, { folder, freeBytes, context });
	const scratch = FolderPath.parse(join(folder, `${scratchFolderPrefix}${context.command}`));
	const resource = resourceId({ kind: "path", path: scratch });
	return { place: { resource, folder: scratch, exists: false }, dataPath: "host-path" };
}

function refuseLack(
	{ resource, archive, needBytes }: Wanted,
	{
		folder,
		freeBytes,
		context,
	}: { readonly folder: string; readonly freeBytes: number; readonly context: OperationContext },
): void {
	const lack = lackOfSpace({
		...{ what: `the drill of archive ${archive} of ${resource}`, path: folder, needBytes, freeBytes },
		reserveBytes: context.config.minimumFreeBytes,
	});
	if (lack !== undefined) throw lack;
}
