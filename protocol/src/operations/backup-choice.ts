import { z } from "zod";
import { Consistency } from "../consistency.ts";
import { HookNames } from "../hooks.ts";
import { RepositoryName } from "../vocabulary.ts";

/** How a volume or a folder is backed up, where a command says it. */
export const BackupChoice = z.strictObject({
	consistency: Consistency.optional(),
	/** Which of the configured hooks run; absent = all. */
	hooks: HookNames.optional(),
	/** A restic repository of the host's configuration to write into; absent = the host's own archives. */
	repository: RepositoryName.optional(),
	/** Files of a database that goes on writing are copied all the same, with a warning. */
	forceDatabaseFiles: z.boolean().optional(),
});
export type BackupChoice = z.infer<typeof BackupChoice>;
