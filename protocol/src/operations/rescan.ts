import { z } from "zod";
import { ArchiveId, Bytes, FolderPath, HostName, Instant, RepositoryName } from "../vocabulary.ts";

/** What is wrong with one archive. */
const Damage = z.object({
	archive: ArchiveId,
	/** Its folder, or its repository's name. */
	at: z.string().max(4096),
	why: z.string().max(500),
});

/** What one restic repository holds of the host. */
const RescannedRepository = z.object({
	name: RepositoryName,
	/** The host's own in it. */
	archives: z.int().nonnegative(),
	/** Those that this host did not know any more, and knows again. */
	broughtBack: z.int().nonnegative(),
	/** Why it could not be looked into; its archives are then known as before. */
	failure: z.string().max(500).optional(),
});

export const RescanResult = z.object({
	/** Resources with an archive, also those that are gone. */
	resources: z.int().nonnegative(),
	/** All that were found, damaged ones too. */
	archives: z.int().nonnegative(),
	damaged: z.int().nonnegative(),
	/** What their files take on the host's disk. */
	bytes: Bytes,
	durationMs: z.int().nonnegative(),
	/** Of the damaged, the first fifty. */
	damages: z.array(Damage).max(50),
	repositories: z.array(RescannedRepository).max(50),
});
export type RescanResult = z.infer<typeof RescanResult>;

export const rescanOperations = {
	/**
	 * Rebuilds what is known of a host's archives from the archives alone: the folder is the one where they lie, so it is an operation
	 * of the host and not of something that it protects. Contents are not read; that is what `verify` is for.
	 */
	"path.rescan": {
		effect: "reads",
		params: z.strictObject({ path: FolderPath }),
		result: RescanResult,
	},
} as const;

/** What a host's archives alone tell. */
export const RescanDocument = RescanResult.extend({
	schema: z.literal("davit/rescan/1"),
	asOf: Instant,
	host: HostName,
});
export type RescanDocument = z.infer<typeof RescanDocument>;
