import { rename } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { CommandId, ResourceId } from "@davit/protocol";
import type { UndoPoints } from "../undo-points.ts";
import { readKeptPlace } from "./find-source.ts";
import { isMissing } from "./place.ts";
import { removeFolder } from "./swap-folders.ts";

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
	{ undoPoints, now }: { readonly undoPoints: UndoPoints; readonly now: () => number },
	signal: AbortSignal,
): Promise<readonly ExpiredUndo[]> {
	const expired: ExpiredUndo[] = [];
	for (const { command, resource, place } of undoPoints.expired(now())) {
		signal.throwIfAborted();
		try {
			await removeKept(readKeptPlace(place).folder, command);
			undoPoints.drop(command);
			expired.push({ command, resource });
		} catch (failure) {
			expired.push({ command, resource, failure });
		}
	}
	return expired;
}

async function removeKept(folder: string, command: CommandId): Promise<void> {
	const going = join(dirname(folder), `.davit-old-${command}`);
	try {
		await rename(folder, going);
	} catch (error) {
		// Renamed before a crash, or its volume was removed with it.
		if (!isMissing(error)) throw error;
	}
	await removeFolder(going);
}
