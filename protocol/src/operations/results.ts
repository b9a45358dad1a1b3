import { z } from "zod";
import { Consistency } from "../consistency.ts";
import { ArchiveId, Bytes, CommandId, Instant } from "../vocabulary.ts";

/** How many of a resource's newest archives stay. */
export const KeepLast = z.int().min(1).max(10_000);

export const PlanAction = z.discriminatedUnion("action", [
	z.strictObject({ action: z.literal("restore"), archive: ArchiveId }),
	z.strictObject({ action: z.literal("undo") }),
]);
export type PlanAction = z.infer<typeof PlanAction>;

export const BackupResult = z.object({
	archive: ArchiveId,
	takenAt: Instant,
	/** Size of the archive on disk. */
	bytes: Bytes,
	/** Size of the content before compression. */
	contentBytes: Bytes,
	entries: z.int().nonnegative(),
	/** What was really done with the writers. */
	consistency: Consistency,
	/** How long the longest-stopped or longest-paused writer did not serve. */
	downtimeMs: z.int().nonnegative(),
	durationMs: z.int().nonnegative(),
	/** What was left out or changed while it was read; not empty = `partial`. */
	warnings: z.array(z.string()).max(50),
	/** What was done otherwise than asked, and why, without a loss: still `succeeded`. Absent = nothing. */
	notes: z.array(z.string()).max(50).optional(),
});
export type BackupResult = z.infer<typeof BackupResult>;

export const VerifyResult = z.object({
	archive: ArchiveId,
	bytes: Bytes,
	entries: z.int().nonnegative(),
	verifiedAt: Instant,
	durationMs: z.int().nonnegative(),
});
export type VerifyResult = z.infer<typeof VerifyResult>;

export const RestoreResult = z.object({
	archive: ArchiveId,
	replaced: z.int().nonnegative(),
	added: z.int().nonnegative(),
	removed: z.int().nonnegative(),
	downtimeMs: z.int().nonnegative(),
	durationMs: z.int().nonnegative(),
	/** Until when `undo` brings the data back that was in place before. */
	undoUntil: Instant,
	undo: CommandId,
	/** What could not be put back as it was, or who used it meanwhile; not empty = `partial`. */
	warnings: z.array(z.string()).max(50).optional(),
});
export type RestoreResult = z.infer<typeof RestoreResult>;

export const PruneResult = z.object({
	removed: z.array(ArchiveId),
	kept: z.int().nonnegative(),
});
export type PruneResult = z.infer<typeof PruneResult>;
