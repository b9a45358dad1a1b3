import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, dirname } from "node:path";
import { fileFailure } from "../files/file-failure.ts";

/**
 * Puts a whole file in place: after a crash it is as before or as it should be, never in between.
 * @throws OperationError disk-full | path-not-allowed
 */
export async function writeDurably(path: string, bytes: string | Uint8Array, mode = 0o600): Promise<void> {
	try {
		await writeWhole(path, bytes, mode);
	} catch (error) {
		throw fileFailure(error, { doing: `writing ${basename(path)}`, path: dirname(path) });
	}
}

async function writeWhole(path: string, bytes: string | Uint8Array, mode: number): Promise<void> {
	const partial = `${path}.partial`;
	await rm(partial, { force: true });
	{
		await using file = await open(partial, "wx", mode);
		await file.writeFile(bytes);
		await file.sync();
	}
	await rename(partial, path);
	await syncDirectory(dirname(path));
}

export async function syncDirectory(path: string): Promise<void> {
	await using directory = await open(path, "r");
	await directory.sync();
}

/** Makes a folder, and those above it that are missing, durably. */
export async function makeFolder(path: string): Promise<void> {
	const first = await mkdir(path, { recursive: true, mode: 0o700 }).catch((error: unknown) => {
		throw fileFailure(error, { doing: `making the folder ${basename(path)}`, path: dirname(path) });
	});
	if (first === undefined) return;
	for (let made = path; made.length >= first.length; made = dirname(made)) await syncDirectory(dirname(made));
}

export async function renameDurably(from: string, to: string): Promise<void> {
	await rename(from, to);
	await syncDirectory(dirname(to));
}
