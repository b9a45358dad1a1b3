import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import { isForbidden, isMissing } from "./place.ts";
import { mountsWithin } from "./read-mounts.ts";

/** Why a rename could not replace this folder, in words; undefined where it can. */
export async function whyNoSwap(folder: string): Promise<string | undefined> {
	const mounts = await mountsWithin(folder);
	if (mounts.includes(folder)) return `${folder} is a mount point, which cannot be renamed`;
	if (mounts.length > 0) return `${mounts[0]} is mounted inside ${folder}`;
	const parent = dirname(folder);
	if (await mayWrite(parent)) return undefined;
	return `the agent may not write in ${parent}, where the new data must lie beside the old`;
}

/** Whether this user may make and remove entries in the folder. */
export async function mayWrite(folder: string): Promise<boolean> {
	try {
		await access(folder, constants.W_OK | constants.X_OK);
		return true;
	} catch (error) {
		if (isMissing(error) || isForbidden(error)) return false;
		throw error;
	}
}

/** Whether this user may list the folder and go into it. */
export async function mayRead(folder: string): Promise<boolean> {
	try {
		await access(folder, constants.R_OK | constants.X_OK);
		return true;
	} catch (error) {
		if (isMissing(error) || isForbidden(error)) return false;
		throw error;
	}
}
