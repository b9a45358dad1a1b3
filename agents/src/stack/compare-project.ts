import { join } from "node:path";
import type { Engine } from "../docker/engine.ts";
import { isSameContent } from "./file-steps.ts";
import type { Coming } from "./find-coming.ts";

export const differences = ["replaces", "adds", "removes"] as const;

/** What a person is shown of a plan, as it is summed up. */
export interface Difference {
	replaces: number;
	adds: number;
	removes: number;
	readonly examples: Record<(typeof differences)[number], string[]>;
}

export function addExamples(
	{ examples }: Difference,
	key: (typeof differences)[number],
	names: readonly string[],
): void {
	examples[key].push(...names.slice(0, 20 - examples[key].length));
}

/** Adds what becomes of the project's own files. */
export async function compareFiles({ files, paths }: Coming, difference: Difference): Promise<void> {
	for (const path of paths) {
		const fresh = join(files, path);
		if (await isSameContent(fresh, path)) continue;
		// One that cannot be read is not the same as itself.
		const [comes, isThere] = [await isSameContent(fresh, fresh), await isSameContent(path, path)];
		if (!comes && !isThere) continue;
		const key = comes ? (isThere ? "replaces" : "adds") : "removes";
		difference[key] += 1;
		addExamples(difference, key, [path]);
	}
}

/** What the engine has to be given first. */
export async function findLacking(
	coming: Coming,
	{ engine, signal }: { readonly engine: Engine; readonly signal: AbortSignal },
) {
	const images: { name: string; digests: readonly string[] }[] = [];
	for (const { name, digests } of coming.images) {
		if ((await engine.image(name, signal)) === undefined) images.push({ name, digests });
	}
	const present = new Set((await engine.networks(signal)).map(({ name }) => name));
	const networks = coming.networks.filter(({ name }) => !present.has(name));
	return { images, networks, loadsImages: coming.holdsImages && images.length > 0 };
}
