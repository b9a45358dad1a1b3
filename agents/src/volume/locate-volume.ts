import { basename, dirname, join } from "node:path";
import { resourceId, type VolumeName } from "@davit/protocol";
import type { Engine, EngineVolume } from "../docker/engine.ts";
import { requireEngine } from "../docker/require-engine.ts";
import { mayRead, whyNoSwap } from "../resource/check-swap.ts";
import type { LocateContext, Located } from "../resource/locate.ts";
import { isFolder, resolveLinks } from "../resource/place.ts";

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
	if (volume === undefined) return { place, dataPath: "host-path", labels: {} };
	const unreadable = await whyNotOverHost(volume, folder, engine);
	const refusal = unreadable ?? (await whyNoSwap(folder));
	return {
		place,
		dataPath: unreadable === undefined ? "host-path" : "archive-api",
		labels: volume.labels,
		...(refusal === undefined ? {} : { whyNoSwap: refusal }),
	};
}

/**
 * Why a volume's bytes are not simply a folder of this host. A volume with options is mounted on its folder only while
 * a container uses it: read over the host's path it would seem empty.
 */
async function whyNotOverHost(
	{ name, driver, options }: EngineVolume,
	folder: string,
	{ sharesPaths }: Engine,
): Promise<string | undefined> {
	if (driver !== "local")
		return `volume ${name} is kept by the driver ${driver}, not in a folder of this host`;
	if (Object.keys(options).length > 0) {
		const named = Object.keys(options).sort().join(", ");
		return `volume ${name} is mounted from elsewhere (options ${named})`;
	}
	if (!sharesPaths) return "the engine runs in a machine of its own, whose folders are not this host's";
	if (!(await isFolder(folder))) return `${folder} is not a folder this agent can see`;
	const isRoot = process.geteuid?.() === 0;
	if (!isRoot || !(await mayRead(folder)))
		return `the agent does not run as root, so it cannot read all of ${folder}`;
	return undefined;
}

async function resolveParent(folder: string): Promise<string> {
	return join(await resolveLinks(dirname(folder)), basename(folder));
}
