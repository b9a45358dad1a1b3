import { z } from "zod";
import { Consistency } from "../consistency.ts";
import { HookReport } from "../hooks.ts";
import { RetentionPolicy } from "../retention/policy.ts";
import { ArchiveId, Bytes, CommandId, Instant } from "../vocabulary.ts";
import { impossible, isPossible, restoreChoice } from "./restore-choice.ts";

/** How many of a resource's newest archives stay. */
export const KeepLast = z.int().min(1).max(10_000);

export const PlanAction = z.discriminatedUnion("action", [
	z
		.strictObject({ action: z.literal("restore"), archive: ArchiveId, ...restoreChoice })
		.refine(isPossible, impossible),
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
	/** What `downtimeMs` was predicted to be when it began; absent where nothing like it was measured before. */
	predictedDowntimeMs: z.int().nonnegative().optional(),
	durationMs: z.int().nonnegative(),
	/** What was left out or changed while it was read; not empty = `partial`. */
	warnings: z.array(z.string()).max(50),
	/** What hooks before and after it did; absent = there were none. */
	hooks: z.array(HookReport).max(40).optional(),
	/** What was done otherwise than asked, and why, without a loss: still `succeeded`. Absent = nothing. */
	notes: z.array(z.string()).max(50).optional(),
});
export type BackupResult = z.infer<typeof BackupResult>;

/** Only some of the content is read, frames of it or, out of a repository, files: it finds damage and proves nothing. */
export const VerifySample = z.strictObject({
	percent: z.number().gt(0).max(100),
	/** Chooses which; one is drawn where none is given. */
	seed: z.int().min(0).max(0xff_ff_ff_ff).optional(),
});

const Count = z.int().nonnegative();

export const VerifyResult = z.object({
	archive: ArchiveId,
	/** Stored bytes that were read and found right. */
	bytes: Bytes,
	entries: z.int().nonnegative(),
	/** Absent where only a sample was read: that verifies nothing. */
	verifiedAt: Instant.optional(),
	sample: z
		.union([
			VerifySample.required().extend({ frames: Count, ofFrames: Count }),
			VerifySample.required().extend({ files: Count, ofFiles: Count }),
		])
		.optional(),
	durationMs: z.int().nonnegative(),
});
export type VerifyResult = z.infer<typeof VerifyResult>;

export const DrillResult = z.object({
	archive: ArchiveId,
	entries: z.int().nonnegative(),
	/** What was restored, before compression. */
	contentBytes: Bytes,
	drilledAt: Instant,
	/** How long the restore itself took: the measured recovery time of the data. */
	restoreMs: z.int().nonnegative(),
	/** How long it took to compare what was restored with the archive's entries and digests. */
	compareMs: z.int().nonnegative(),
	durationMs: z.int().nonnegative(),
});
export type DrillResult = z.infer<typeof DrillResult>;

export const RestoreResult = z.object({
	archive: ArchiveId,
	replaced: z.int().nonnegative(),
	added: z.int().nonnegative(),
	removed: z.int().nonnegative(),
	downtimeMs: z.int().nonnegative(),
	durationMs: z.int().nonnegative(),
	/** Until when `undo` brings the data back that was in place before; absent where nothing was replaced. */
	undoUntil: Instant.optional(),
	undo: CommandId.optional(),
	/** The new volume or folder that was made. */
	as: z.string().max(4200).optional(),
	/** What could not be put back as it was, or who used it meanwhile; not empty = `partial`. */
	warnings: z.array(z.string()).max(50).optional(),
});
export type RestoreResult = z.infer<typeof RestoreResult>;

export const CopyResult = z.object({
	/** The new volume that was made. */
	as: z.string().max(4200),
	takenAt: Instant,
	entries: z.int().nonnegative(),
	contentBytes: Bytes,
	/** Of these, what shares its blocks with the original until one of the two changes. */
	sharedBytes: Bytes,
	/** What was really done with the writers. */
	consistency: Consistency,
	/** How long the longest-stopped or longest-paused writer did not serve. */
	downtimeMs: z.int().nonnegative(),
	durationMs: z.int().nonnegative(),
	/** What could not be made as it was, or changed while it was read; not empty = `partial`. */
	warnings: z.array(z.string()).max(50),
	/** What was done otherwise than asked, and why, without a loss. Absent = nothing. */
	notes: z.array(z.string()).max(50).optional(),
});
export type CopyResult = z.infer<typeof CopyResult>;

export const PruneResult = z.object({
	removed: z.array(ArchiveId),
	/** Those that stay, marked ones not counted. */
	kept: z.int().nonnegative(),
	/** Marked for removal, now or before: they can still be restored, and kept with undelete. */
	marked: z.array(ArchiveId).max(10_000).optional(),
	/** When those that were marked now go at the earliest. */
	goesAt: Instant.optional(),
	/** Why everything stays for now. */
	heldBecause: z.string().max(1000).optional(),
});
export type PruneResult = z.infer<typeof PruneResult>;

/** What a person says about keeping a resource's archives. */
export const KeepChange = z.discriminatedUnion("keep", [
	/** It stays whatever the policy says. */
	z.strictObject({ keep: z.literal("pin"), archive: ArchiveId }),
	/** The policy decides about it again. */
	z.strictObject({ keep: z.literal("unpin"), archive: ArchiveId }),
	/** It was marked for removal and is to stay: the mark goes, and it is pinned. */
	z.strictObject({ keep: z.literal("undelete"), archive: ArchiveId }),
	/** Nothing of the resource is removed until it is released. */
	z.strictObject({ keep: z.literal("hold"), because: z.string().trim().min(1).max(500) }),
	/** A person looked at it: a hold ends, also one that Davit set after a suspicious backup. */
	z.strictObject({ keep: z.literal("release") }),
]);
export type KeepChange = z.infer<typeof KeepChange>;

export const KeepResult = z.object({
	keep: z.enum(["pin", "unpin", "undelete", "hold", "release"]),
	archive: ArchiveId.optional(),
});
export type KeepResult = z.infer<typeof KeepResult>;

/** What a turn of retention goes by: a policy, or `keepLast` as shorthand for one of a single rule. */
export const Retention = { keepLast: KeepLast.optional(), policy: RetentionPolicy.optional() };

export function hasPolicy({ keepLast, policy }: { keepLast?: unknown; policy?: unknown }): boolean {
	return (keepLast === undefined) !== (policy === undefined);
}
