import { constants, type Stats } from "node:fs";
import { lstat, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { OperationError } from "@davit/protocol";
import type { StepPresence } from "../operation.ts";
import { isMissing } from "./place.ts";
import { mountsWithin } from "./read-mounts.ts";

/** The three names of a swap; all in one folder, so each move is one rename. */
export interface Swap {
	/** What is used. */
	readonly folder: string;
	/** What will be used. */
	readonly incoming: string;
	/** Where the old data goes. */
	readonly kept: string;
}

/** Moves the old data out of the way. */
export async function setAside({ folder, kept }: Swap): Promise<void> {
	if ((await statOf(kept)) !== undefined) {
		if ((await statOf(folder)) === undefined) return;
		throw new OperationError("inconsistent", `${kept} is there already, so ${folder} was not moved`, {
			hint: `look at both; ${kept} is older data of the same command`,
		});
	}
	await renameDurably(folder, kept);
}

/** Puts the old data back, where it was moved and nothing took its place. */
export async function bringForward({ folder, incoming, kept }: Swap): Promise<void> {
	if ((await statOf(kept)) === undefined) return;
	if ((await statOf(folder)) !== undefined && (await statOf(incoming)) === undefined) {
		throw new OperationError("inconsistent", `${folder} holds the new data already; the old is in ${kept}`, {
			hint: "a person must decide which of the two is right",
		});
	}
	// rename(2) replaces an empty directory, as the engine makes one where a mount's source is missing, and no other.
	await renameDurably(kept, folder);
}

/** Takes new data out again that was put in place, so that the old can be brought forward. */
export async function takeBack({ folder, incoming, kept }: Swap): Promise<void> {
	const [isThere, isIncoming, isKept] = await Promise.all(
		[folder, incoming, kept].map(async (path) => (await statOf(path)) !== undefined),
	);
	if (isThere && isKept && !isIncoming) await renameDurably(folder, incoming);
}

/** Puts the new data in place. After this the operation only goes forward. */
export async function putInPlace({ folder, incoming }: Swap): Promise<void> {
	await renameDurably(incoming, folder);
}

export async function presenceOfSetAside({ folder, kept }: Swap): Promise<StepPresence> {
	const isKept = (await statOf(kept)) !== undefined;
	const isThere = (await statOf(folder)) !== undefined;
	return isKept ? (isThere ? "partial" : "complete") : "absent";
}

export async function presenceOfPutInPlace({ folder, incoming, kept }: Swap): Promise<StepPresence> {
	const [isThere, isIncoming, isKept] = await Promise.all(
		[folder, incoming, kept].map(async (path) => (await statOf(path)) !== undefined),
	);
	return isThere && isKept && !isIncoming ? "complete" : "absent";
}

/**
 * Removes a folder that Davit made beside data.
 * @throws OperationError resource-in-use where something is mounted in it
 */
export async function removeFolder(folder: string): Promise<void> {
	const [mount] = await mountsWithin(folder);
	if (mount !== undefined) {
		throw new OperationError("resource-in-use", `${folder} was not removed: ${mount} is mounted in it`, {
			hint: `umount ${mount}, then try again`,
		});
	}
	await rm(folder, { recursive: true, force: true });
}

/**
 * Removes data that was kept. It is renamed first, so that an undo that begins at this moment either has all of it or finds none.
 * @throws OperationError resource-in-use where something is mounted in it
 */
export async function removeAfterRename({ folder, going }: Leaving): Promise<void> {
	try {
		await rename(folder, going);
	} catch (error) {
		// Renamed before a crash, or its volume was removed with it.
		if (!isMissing(error)) throw error;
	}
	await removeFolder(going);
}

interface Leaving {
	readonly folder: string;
	/** Beside it. */
	readonly going: string;
}

/** Undefined where nothing is there. */
export async function statOf(path: string): Promise<Stats | undefined> {
	try {
		return await lstat(path);
	} catch (error) {
		if (isMissing(error)) return undefined;
		throw error;
	}
}

async function renameDurably(from: string, to: string): Promise<void> {
	try {
		await rename(from, to);
	} catch (cause) {
		const reason = cause instanceof Error ? cause.message : String(cause);
		throw new OperationError("resource-in-use", `could not move ${from} to ${to}: ${reason}`, {
			cause,
			hint: "see that nothing is mounted there and that the agent may write there",
		});
	}
	await using directory = await open(dirname(to), constants.O_RDONLY | constants.O_DIRECTORY);
	await directory.sync();
}
