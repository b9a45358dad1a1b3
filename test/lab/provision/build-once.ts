import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { takeLock } from "../process/lock.ts";
import { cacheFolder } from "../record/folders.ts";

/**
 * The folder `name` of the cache, built by `build` where it is missing.
 * `build` fills another folder that gets the name only when it is complete, so half a result never counts.
 * Change the name when the recipe changes: what bears the old name is not looked at again.
 */
export async function buildOnce(
	name: string,
	build: (folder: string) => Promise<void>,
	signal: AbortSignal,
): Promise<string> {
	const built = join(cacheFolder(), name);
	if (existsSync(built)) return built;
	await mkdir(cacheFolder(), { recursive: true });
	await using _lock = await takeLock(`${built}.lock`, signal);
	if (existsSync(built)) return built;
	const partial = `${built}.partial`;
	await rm(partial, { recursive: true, force: true });
	await mkdir(partial);
	await build(partial);
	await rename(partial, built);
	return built;
}
