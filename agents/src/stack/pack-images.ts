import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import type { ResourceId } from "@davit/protocol";
import { requireEngine } from "../docker/require-engine.ts";
import type { PackedTree } from "../files/job.ts";
import type { OperationContext } from "../operation.ts";
import { lackOfSpace } from "../resource/check-space.ts";
import { reachOf } from "../resource/reach-place.ts";
import { showProgress } from "../resource/show-progress.ts";
import type { StackImage } from "./gather-project.ts";

export const imagesTar = "images.tar";

interface Packing {
	readonly resource: ResourceId;
	readonly directory: string;
	readonly signal: AbortSignal;
}

/** Packs images as one file that `docker load` takes. It lies in the archive's folder as it is for as long as that takes. */
export async function packImages(
	images: readonly StackImage[],
	context: OperationContext,
	{ resource, directory, signal }: Packing,
): Promise<PackedTree> {
	const { archives, config } = context;
	const lack = lackOfSpace({
		...{ what: "the images of the stack", path: config.archivesPath },
		needBytes: 2 * images.reduce((sum, { bytes }) => sum + bytes, 0),
		...{ freeBytes: await archives.freeBytes(), reserveBytes: config.minimumFreeBytes },
	});
	if (lack !== undefined) throw lack;
	const unpacked = `${directory}.tree`;
	await mkdir(directory, { recursive: true, mode: 0o700 });
	await mkdir(unpacked, { mode: 0o700 });
	await using _unpacked = { [Symbol.asyncDispose]: () => rm(unpacked, { recursive: true, force: true }) };
	const engine = await requireEngine(context, signal);
	const stream = await engine.saveImages(
		images.map(({ name }) => name),
		signal,
	);
	await pipeline(stream, createWriteStream(join(unpacked, imagesTar)), { signal });
	return await reachOf(
		{ place: { resource, folder: unpacked, exists: true }, dataPath: "host-path" },
		context,
	).do({ kind: "pack", root: unpacked, directory }, { signal, onProgress: showProgress("images", context) });
}
