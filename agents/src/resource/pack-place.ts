import { parseResource } from "@davit/protocol";
import { requireEngine } from "../docker/require-engine.ts";
import type { FileContext, FileJob, FoundDatabase, PackedTree } from "../files/job.ts";
import { packTarStream } from "../files/pack-tar-stream.ts";
import type { OperationContext } from "../operation.ts";
import { openVolumeTar, removeReader } from "../volume/read-over-engine.ts";
import type { Place } from "./place.ts";
import { type Reached, reachOf } from "./reach-place.ts";

interface Packing extends Pick<FileContext, "signal"> {
	readonly onProgress: (progress: { readonly bytes: number; readonly totalBytes?: number }) => void;
	/** Empty or missing. */
	readonly directory: string;
	/** Where the place's data is read; absent = in the place itself. */
	readonly root?: string;
	/** What its files held when it was looked at; absent = it is measured first. */
	readonly expectedBytes?: number;
	/** Told of what looks like a database's where only the engine can read it; may throw. */
	readonly onDatabase?: (found: FoundDatabase) => void;
}

/** Packs what lies in a place into a folder, however its bytes can be reached. */
export async function packPlace(
	reached: Reached,
	context: OperationContext,
	packing: Packing,
): Promise<PackedTree> {
	const { place, dataPath } = reached;
	if (dataPath === "archive-api") return packOverEngine(place, context, packing);
	const { directory, root = place.folder, expectedBytes, signal, onProgress } = packing;
	const expected = expectedBytes === undefined ? {} : { expectedBytes };
	return reachOf(reached, context).do({ kind: "pack", root, directory, ...expected }, { signal, onProgress });
}

type PackJob = FileJob & { readonly kind: "pack" };

async function packOverEngine(
	{ resource, folder }: Place,
	context: OperationContext,
	{ directory, signal, onProgress, onDatabase }: Packing,
): Promise<PackedTree> {
	const parsed = parseResource(resource);
	if (parsed.kind !== "volume") throw new TypeError("only volumes are read over the engine");
	const { command, archives } = context;
	const { seals } = await archives.equip<PackJob>({ kind: "pack", root: folder, directory });
	const engine = await requireEngine(context, signal);
	await using _reader = {
		[Symbol.asyncDispose]: () => removeReader(engine, command, AbortSignal.timeout(60_000)),
	};
	const stream = await openVolumeTar(parsed.volume, { engine, command, signal });
	// Awaited here: the reader goes when this function ends.
	return await packTarStream({
		...{ stream, directory, signal },
		...(seals === undefined ? {} : { seals }),
		...(onDatabase === undefined ? {} : { onDatabase }),
		// The engine does not say how much there is.
		onProgress: ({ bytes }) => onProgress({ bytes }),
	});
}
