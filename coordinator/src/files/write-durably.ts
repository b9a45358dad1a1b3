import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Puts `content` in place of `path` as a whole or not at all, also through a power cut. `mode` is as for chmod. */
export async function writeDurably(path: string, content: string, mode: number): Promise<void> {
	const partial = `${path}.partial`;
	const file = await open(partial, "w", mode);
	try {
		// The mode above counts only for a new file, and is narrowed by the process' umask.
		await file.chmod(mode);
		await file.writeFile(content);
		await file.sync();
	} finally {
		await file.close();
	}
	await rename(partial, path);
	const directory = await open(dirname(path));
	try {
		await directory.sync();
	} finally {
		await directory.close();
	}
}
