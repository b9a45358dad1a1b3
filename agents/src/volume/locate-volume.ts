import { basename, dirname, join } from "node:path";
import { OperationError, resourceId, type VolumeName } from "@davit/protocol";
import type { Engine, EngineVolume } from "../docker/engine.ts";
import { requireEngine } from "../docker/require-engine.ts";
import { mayRead } from "../resource/check-swap.ts";
import type { LocateContext, Located } from "../resource/locate.ts";
import { lookAt, type Sight, unseen } from "../resource/look-at-place.ts";
import { isFolder, type Place, resolveLinks } from "../resource/place.ts";
import { reachOf, withoutKeys } from "../resource/reach-place.ts";

/**
 * Where a volume's data lies, and how it can be read and replaced.
 * @throws OperationError docker-unreachable | docker-refused
 */
export async function locateVolume(
	name: VolumeName,
	context: LocateContext,
	signal: AbortSignal,
): Promise<Located> {
	const engine = await requireEngine(context, signal);
	const volume = await engine.volume(name, signal);
	const folder = await resolveParent(volume?.mountpoint ?? join(engine.dataRoot, "volumes", name, "_data"));
	const place = {
		resource: resourceId({ kind: "volume", volume: name }),
		folder,
		exists: volume !== undefined,
	};
	const labels = volume?.labels ?? {};
	const elsewhere = volume === undefined ? undefined : whyElsewhere(volume);
	if (elsewhere !== undefined) return overEngine(place, { labels, reason: elsewhere });
	const reason = await whyNotSeen(place, engine);
	if (reason === undefined) {
		return withSight({ place, dataPath: "host-path", labels }, await lookAt(folder));
	}
	const { sight, refusal } = await lookThroughHelper(place, context, signal);
	if (sight !== undefined) return withSight({ place, dataPath: "helper", labels }, sight);
	context.log.warn({ volume: name, reason, refusal }, "a volume is out of reach of a helper container");
	return overEngine(place, { labels, reason: `${reason}, and ${refusal}` });
}

function withSight(located: Omit<Located, "sight" | "whyNoSwap">, sight: Sight): Located {
	const reason = located.place.exists ? sight.whyNoSwap : undefined;
	return { ...located, sight, ...(reason === undefined ? {} : { whyNoSwap: reason }) };
}

async function overEngine(
	place: Place,
	{ labels, reason }: { readonly labels: Located["labels"]; readonly reason: string },
): Promise<Located> {
	return { place, dataPath: "archive-api", labels, sight: await unseen(place.folder), whyNoSwap: reason };
}

/**
 * Why a volume's bytes are not in a folder of the engine's host. A volume with options is mounted on its folder only while
 * a container uses it: read over the host's path it would seem empty.
 */
function whyElsewhere({ name, driver, options }: EngineVolume): string | undefined {
	if (driver !== "local")
		return `volume ${name} is kept by the driver ${driver}, not in a folder of this host`;
	if (Object.keys(options).length === 0) return undefined;
	const named = Object.keys(options).sort().join(", ");
	return `volume ${name} is mounted from elsewhere (options ${named})`;
}

/** Why this agent cannot see all of a folder of the engine's host. */
async function whyNotSeen(
	{ folder, exists }: Place,
	{ sharesPaths, dataRoot }: Engine,
): Promise<string | undefined> {
	if (!sharesPaths) return "the engine runs in a machine of its own, whose folders are not this host's";
	const nearest = exists ? folder : join(dataRoot, "volumes");
	if (process.geteuid?.() === 0 && (await mayRead(nearest)) && (await isFolder(nearest))) return undefined;
	return process.geteuid?.() === 0
		? `${nearest} is not a folder this agent can see`
		: `the agent does not run as root, so it cannot read all of ${nearest}`;
}

/** What a helper container sees, or why there can be none. */
async function lookThroughHelper(
	place: Place,
	context: LocateContext,
	signal: AbortSignal,
): Promise<{ readonly sight?: Sight; readonly refusal?: string }> {
	const { helper, archivesPath } = context.config;
	if (!helper) return { refusal: "helper containers are switched off in the agent's configuration" };
	try {
		const reach = reachOf({ place, dataPath: "helper" }, { ...context, archives: withoutKeys });
		const job = { kind: "look", folder: place.folder, archives: archivesPath } as const;
		const sight = await reach.do(job, { signal });
		const isSeen = sight.isFolder || !place.exists;
		if (isSeen && sight.isArchivable) return { sight };
		const blind = isSeen ? `write in ${archivesPath}` : `see ${place.folder}`;
		return { refusal: `a helper container could not ${blind}` };
	} catch (error) {
		if (!(error instanceof OperationError)) throw error;
		// The engine itself answers: it only will not have this container.
		if (error.code !== "docker-refused" && error.code !== "unsupported") throw error;
		return { refusal: error.message };
	}
}

async function resolveParent(folder: string): Promise<string> {
	return join(await resolveLinks(dirname(folder)), basename(folder));
}
