import { basename, dirname, join } from "node:path";
import type { CommandId, ResourceId } from "@davit/protocol";
import type { OperationContext } from "../operation.ts";
import { readKeptPlaces } from "./find-source.ts";
import { reachOf, withoutKeys } from "./reach-place.ts";

export interface ExpiredUndo {
	readonly command: CommandId;
	readonly resource: ResourceId;
	/** Why it could not be removed; it is tried again the next time. */
	readonly failure?: unknown;
}

/**
 * Removes data whose time to go back to has passed. It is renamed first, so that an undo that begins at this moment either has
 * all of it or finds none.
 */
export async function expireUndo(
	context: ExpireContext,
	signal: AbortSignal,
): Promise<readonly ExpiredUndo[]> {
	const { undoPoints } = context;
	const expired: ExpiredUndo[] = [];
	for (const { command, resource, place } of undoPoints.expired()) {
		signal.throwIfAborted();
		try {
			for (const kept of readKeptPlaces(place))
				await removeKept({ ...kept, resource, command }, context, signal);
			undoPoints.drop(command);
			expired.push({ command, resource });
		} catch (failure) {
			expired.push({ command, resource, failure });
		}
	}
	return expired;
}

type ExpireContext = Pick<OperationContext, "undoPoints" | "config" | "engine">;

type Leaving = ReturnType<typeof readKeptPlaces>[number] & {
	readonly resource: ResourceId;
	readonly command: CommandId;
};

async function removeKept(
	{ folder, dataPath, resource, command }: Leaving,
	context: ExpireContext,
	signal: AbortSignal,
): Promise<void> {
	// Of a stack several may lie side by side, each with a name of its own.
	const own = basename(folder).replace(/^\.davit-undo-/, "");
	const going = join(dirname(folder), `.davit-old-${own}`);
	const place = { resource, folder, exists: true };
	const reach = reachOf({ place, dataPath }, { ...context, command, archives: withoutKeys });
	await reach.do({ kind: "remove-kept", folder, going }, { signal });
}
