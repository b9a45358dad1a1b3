import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Instant } from "@davit/protocol";
import { z } from "zod";
import { makeFolder, writeDurably } from "../archives/write-durably.ts";
import { errnoOf } from "../files/file-failure.ts";
import type { Restic } from "./run-restic.ts";

/** What this host's checks found of a repository. */
const RepositoryCondition = z.object({
	version: z.literal(1),
	/** The part that was read last and how many there were; after one that was damaged it is read again. */
	part: z.int().positive().optional(),
	parts: z.int().positive().optional(),
	checkedAt: Instant.optional(),
	prunedAt: Instant.optional(),
	/** Until the part reads well again. */
	damage: z.object({ at: Instant, part: z.int().positive(), reason: z.string() }).optional(),
});
export type RepositoryCondition = z.infer<typeof RepositoryCondition>;

type Place = Pick<Restic, "home"> & { readonly repository: Pick<Restic["repository"], "name"> };

/** As if nothing was ever checked, where nothing is written down that can be read: the parts are then read from the first on. */
export async function readCondition(place: Place): Promise<RepositoryCondition> {
	try {
		const found = RepositoryCondition.safeParse(JSON.parse(await readFile(fileOf(place), "utf8")));
		return found.success ? found.data : { version: 1 };
	} catch (error) {
		if (error instanceof SyntaxError || errnoOf(error) === "ENOENT") return { version: 1 };
		throw error;
	}
}

export async function writeCondition(place: Place, condition: RepositoryCondition): Promise<void> {
	await makeFolder(folderOf(place));
	await writeDurably(fileOf(place), `${JSON.stringify(condition)}\n`);
}

function folderOf({ home }: Place): string {
	return join(home, "agent", "repositories");
}

function fileOf(place: Place): string {
	return join(folderOf(place), `${place.repository.name}.json`);
}
