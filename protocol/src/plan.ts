import { z } from "zod";
import { FailureReport } from "./failures.ts";
import { RestoreChoice } from "./operations/restore-choice.ts";
import { ResourceId } from "./resource.ts";
import { ArchiveId, Bytes, CommandId, Instant, Sha256 } from "./vocabulary.ts";

/** A container that an operation will stop and start again. */
export const AffectedContainer = z.object({
	name: z.string(),
	/** `created`, `running`, `paused`, `exited` … as the engine says it. */
	state: z.string(),
});
export type AffectedContainer = z.infer<typeof AffectedContainer>;

/** What a restore or an undo will do, as the agent found it; `digest` covers every fact a person was shown as certain. */
export const PlanFacts = z.object({
	resource: ResourceId,
	action: z.enum(["restore", "undo"]),
	/** The archive that will be restored; of an undo, the archive whose restore is undone. */
	archive: ArchiveId,
	/** What was chosen of it, how it is put in place and where; absent = all of it, in place of what is there. */
	choice: RestoreChoice.optional(),
	/** When the data that will be in place was current. */
	contentAt: Instant,
	stops: z.array(AffectedContainer),
	/** Entries of the present data whose content or metadata differs from what will be in place; of an undo by metadata alone. */
	replaces: z.int().nonnegative(),
	adds: z.int().nonnegative(),
	removes: z.int().nonnegative(),
	/** Up to 20 names of each, for a person. */
	examples: z.object({
		replaces: z.array(z.string()).max(20),
		adds: z.array(z.string()).max(20),
		removes: z.array(z.string()).max(20),
	}),
	/** Disk space that it needs beside the present data, and what is free there. */
	needsBytes: Bytes,
	freeBytes: Bytes,
	/** Measured at the last restore of the resource; absent until there was one. */
	downtimeSeconds: z.number().nonnegative().optional(),
	/** How long the present data is kept to go back to. */
	undoSeconds: z.int().nonnegative(),
	/** Reasons why it cannot run now. Empty = it can. */
	blockers: z.array(FailureReport),
	/** SHA-256 over the facts that must not move between plan and act. */
	digest: Sha256,
});
export type PlanFacts = z.infer<typeof PlanFacts>;

/** The command of an earlier restore whose old data is still kept. */
export const UndoPoint = z.object({ command: CommandId, archive: ArchiveId, until: Instant });
export type UndoPoint = z.infer<typeof UndoPoint>;
