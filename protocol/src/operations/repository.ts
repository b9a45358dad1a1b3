import { z } from "zod";
import { FolderPath, Instant, RepositoryName } from "../vocabulary.ts";

/** Parts that a repository's content is read in, one after the other, one a check. */
const Parts = z.int().min(1).max(1000);

/** The folder is the one where the host has its archives: a repository is the host's, and of nothing that it protects. */
const params = z.strictObject({ path: FolderPath, repository: RepositoryName });

const RepositoryCheckResult = z.object({
	repository: RepositoryName,
	/** The part whose every byte was read this time, from 1 on. */
	part: Parts,
	parts: Parts,
	checkedAt: Instant,
	durationMs: z.int().nonnegative(),
});

const RepositoryPruneResult = z.object({
	repository: RepositoryName,
	/** What went, as restic says it; absent where it does not. */
	removed: z.string().max(100).optional(),
	durationMs: z.int().nonnegative(),
});

export const repositoryOperations = {
	/** Checks a repository's structure and reads every byte of the next part of its content; a part that is damaged marks it. */
	"repository.check": { effect: "reads", params, result: RepositoryCheckResult },
	/** Removes from a repository what no snapshot needs any more; what archives hold is not touched. */
	"repository.prune": { effect: "writes", params, result: RepositoryPruneResult },
} as const;
