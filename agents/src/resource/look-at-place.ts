import { dirname } from "node:path";
import { freeBytesAt } from "../files/file-failure.ts";
import { mayWrite, whyNoSwap } from "./check-swap.ts";
import { isFolder, lstatOrUndefined } from "./place.ts";

/** What is seen of a folder; JSON. */
export type Sight = {
	/** Another folder under the same name has another; absent where nothing is there. */
	readonly identity?: string;
	readonly isFolder: boolean;
	/** When it was last moved or changed; milliseconds since 1970. */
	readonly changedAtMs?: number;
	/** On the disk on which it lies, or would. */
	readonly freeBytes: number;
	/** Why it cannot be swapped for another; absent where it can, or is not there. */
	readonly whyNoSwap?: string;
	/** Whether an archive may be written where it was asked for. */
	readonly isArchivable: boolean;
};

/** Looks at a folder with the rights of this process, and asks whether archives could be written from here. */
export async function lookAt(folder: string, archives?: string): Promise<Sight> {
	const found = await lstatOrUndefined(folder);
	const common = {
		freeBytes: freeBytesAt(await existingParent(folder)),
		isArchivable: archives !== undefined && (await mayWrite(archives)),
	};
	if (found === undefined) return { isFolder: false, ...common };
	const reason = await whyNoSwap(folder);
	return {
		...{ identity: `${found.dev}:${found.ino}`, isFolder: found.isDirectory(), changedAtMs: found.ctimeMs },
		...common,
		...(reason === undefined ? {} : { whyNoSwap: reason }),
	};
}

/** Of a folder that only the engine can reach. */
export async function unseen(folder: string): Promise<Sight> {
	const freeBytes = freeBytesAt(await existingParent(folder));
	return { isFolder: false, isArchivable: false, freeBytes };
}

/** Of a folder that is gone, or cannot be seen, the nearest folder above it. */
async function existingParent(folder: string): Promise<string> {
	const parent = dirname(folder);
	return parent === "/" || (await isFolder(parent)) ? parent : existingParent(parent);
}
