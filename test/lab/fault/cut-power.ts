import { copyFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { run } from "../process/run.ts";
import { imageOf, type SmallDisk } from "./open-small-disk.ts";

/** What a disk held when the power went: all that was written through to it, and nothing that was only in memory. */
export interface Remains {
	readonly image: string;
	/** A file that was written just before and never synced: it must be lost, or no power was cut. */
	readonly unsynced: string;
}

let cuts = 0;

/** Keeps what would be left of a disk if the power went now; the disk itself goes on. */
export async function cutPower(disk: SmallDisk): Promise<Remains> {
	cuts += 1;
	const unsynced = join(disk.path, `.unsynced-${cuts}`);
	await writeFile(unsynced, "only in memory");
	const image = `${imageOf(disk.path)}.remains-${cuts}`;
	await copyFile(imageOf(disk.path), image);
	return { image, unsynced };
}

/** Puts a disk where it was, as the power left it. @throws Error where nothing was lost. */
export async function comeBack(
	disk: SmallDisk,
	{ image, unsynced }: Remains,
	signal: AbortSignal,
): Promise<void> {
	await run(["umount", disk.path], { signal });
	await rename(image, imageOf(disk.path));
	await run(["mount", "-o", "loop", imageOf(disk.path), disk.path], { signal });
	const left = await stat(unsynced).catch(() => undefined);
	if (left !== undefined && left.size > 0) {
		throw new Error(`${basename(unsynced)} in ${dirname(unsynced)} survived: the power was not cut`);
	}
	await rm(unsynced, { force: true });
}
