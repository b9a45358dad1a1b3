import { open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Puts `content` in place of `file` as a whole or not at all, also through a power cut; only its owner may read it. */
export async function writeSecret(file: string, content: string): Promise<void> {
	const partial = `${file}.partial`;
	const handle = await open(partial, "w", 0o600);
	try {
		// The mode above counts only for a new file.
		await handle.chmod(0o600);
		await handle.writeFile(content);
		await handle.sync();
	} finally {
		await handle.close();
	}
	await rename(partial, file);
	const folder = await open(dirname(file));
	try {
		await folder.sync();
	} finally {
		await folder.close();
	}
}
