import { dirname } from "node:path";
import { type FolderPath, OperationError, resourceId } from "@davit/protocol";
import type { AgentConfig } from "../config.ts";
import type { Located } from "../resource/locate.ts";
import { lookAt } from "../resource/look-at-place.ts";
import { isFolder, isWithin, resolveLinks } from "../resource/place.ts";

/**
 * A folder that the configuration allows, with every way out of it refused.
 * @throws OperationError path-not-allowed
 */
export async function locateFolder(path: FolderPath, config: AgentConfig): Promise<Located> {
	await refuseForbidden(path, config);
	const sight = await lookAt(path);
	const exists = sight.isFolder;
	const reason = exists
		? sight.whyNoSwap
		: (await isFolder(dirname(path)))
			? undefined
			: `${dirname(path)} is not there`;
	return {
		place: { resource: resourceId({ kind: "path", path }), folder: path, exists },
		dataPath: "host-path",
		sight,
		labels: {},
		...(reason === undefined ? {} : { whyNoSwap: reason }),
	};
}

async function refuseForbidden(
	path: FolderPath,
	{ folders, archivesPath, home }: AgentConfig,
): Promise<void> {
	if (!folders.some((folder) => isWithin(path, folder))) {
		throw new OperationError("path-not-allowed", `${path} is not a folder this agent may touch`, {
			hint: `add ${path} to folders in the agent's configuration, or start with --folder ${path}`,
		});
	}
	const real = await resolveLinks(path);
	// A folder that is gone resolves to itself, so its parent is looked at too.
	const realParent = await resolveLinks(dirname(path));
	if (real !== path || realParent !== dirname(path)) {
		throw new OperationError("path-not-allowed", `${path} leads over a symbolic link to ${real}`, {
			hint: `name the real folder instead: ${real}`,
		});
	}
	for (const [own, what] of [
		[archivesPath, "the archives"],
		[home, "Davit's own state"],
	] as const) {
		const realOwn = await resolveLinks(own);
		if (isWithin(realOwn, path) || isWithin(path, realOwn)) {
			throw new OperationError("path-not-allowed", `${path} and ${what} in ${own} lie one in the other`, {
				hint: "keep them apart: a backup must not hold itself",
			});
		}
	}
}
