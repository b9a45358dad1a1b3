import { parseResource, type ResourceId } from "@davit/protocol";
import type { OperationContext } from "../operation.ts";
import { locateFolder } from "../path/locate-folder.ts";
import { locateVolume } from "../volume/locate-volume.ts";
import type { Sight } from "./look-at-place.ts";
import type { Place } from "./place.ts";
import type { DataPath } from "./reach-place.ts";

/** How the bytes are read, and what stands against replacing them; JSON, so that it can be committed. */
export type Located = {
	readonly place: Place;
	readonly dataPath: DataPath;
	/** What was seen of the folder when it was located. */
	readonly sight: Sight;
	/** Of a volume: what it was made with, so that it can be made again. */
	readonly labels: Readonly<Record<string, string>>;
	/** Why the folder cannot be swapped for another; absent where it can. */
	readonly whyNoSwap?: string;
};

export type LocateContext = Pick<OperationContext, "engine" | "config" | "command" | "log">;

/**
 * Finds a resource's data and refuses what must not be touched. One that is gone is found too, as a place that does not exist.
 * @throws OperationError path-not-allowed | docker-unreachable
 */
export async function locate(
	resource: ResourceId,
	context: LocateContext,
	signal: AbortSignal,
): Promise<Located> {
	const parsed = parseResource(resource);
	if (parsed.kind === "volume") return locateVolume(parsed.volume, context, signal);
	if (parsed.kind === "path") return locateFolder(parsed.path, context.config);
	throw new TypeError(`${resource} lies in more than one place`);
}
