import { z } from "zod";
import { Consistency } from "../consistency.ts";
import { FailureReport } from "../failures.ts";
import { AffectedContainer } from "../plan.ts";
import { ResourceId } from "../resource.ts";
import {
	Bytes,
	FolderPath,
	HostName,
	Instant,
	ProjectName,
	RepositoryName,
	VolumeName,
} from "../vocabulary.ts";
import { BackupChoice } from "./backup-choice.ts";

/** What it needs before compression, what must stay free, and what is free. */
export const BackupSpace = z.object({ needsBytes: Bytes, reserveBytes: Bytes, freeBytes: Bytes });

/** What a backup would do, as the agent found it; nothing holds it to that, because a backup destroys nothing. */
export const PreviewResult = z.object({
	resource: ResourceId,
	/** The rung that it would be on. */
	consistency: Consistency,
	/** What would be taken for it. */
	snapshot: z.enum(["btrfs", "zfs", "lvm", "reflink"]).optional(),
	/** Containers that would be stopped or paused, and started or thawed again. */
	holds: z.array(AffectedContainer.extend({ treatment: z.enum(["stopped", "paused"]) })).max(200),
	/** How long the longest of them would not serve; absent where nothing like it was measured before. */
	predictedDowntimeMs: z.int().nonnegative().optional(),
	/** What there is to copy; both absent where that is not known before it is read. */
	contentBytes: Bytes.optional(),
	entries: z.int().nonnegative().optional(),
	/** The folder of the host's archives, or the repository that it would go into. */
	to: z.union([z.object({ folder: z.string().max(4096) }), z.object({ repository: RepositoryName })]),
	/** On the disk of the host's archives; absent of a repository. */
	space: BackupSpace.optional(),
	/** Names of the hooks that would run, in their order. */
	hooks: z.array(z.string()).max(40),
	/** What its archive would say of what was done otherwise than asked or copied although it may be damaged. */
	notes: z.array(z.string()).max(50),
	/** Reasons why it cannot run now. Empty = it can. */
	blockers: z.array(FailureReport).max(50),
});
export type PreviewResult = z.infer<typeof PreviewResult>;

/** What a backup would do, as its host found it. */
export const PreviewDocument = PreviewResult.extend({
	schema: z.literal("davit/preview/1"),
	asOf: Instant,
	host: HostName,
});
export type PreviewDocument = z.infer<typeof PreviewDocument>;

export const previewOperations = {
	/** Says what a backup of a volume would stop, copy and need, without doing it. */
	"volume.preview": {
		effect: "reads",
		params: z.strictObject({ volume: VolumeName, ...BackupChoice.shape }),
		result: PreviewResult,
	},
	/** Says what a backup of a folder would stop, copy and need, without doing it. */
	"path.preview": {
		effect: "reads",
		params: z.strictObject({ path: FolderPath, ...BackupChoice.shape }),
		result: PreviewResult,
	},
	/** Says what a backup of a stack would stop, copy and need, without doing it. */
	"stack.preview": {
		effect: "reads",
		params: z.strictObject({
			stack: ProjectName,
			consistency: Consistency.optional(),
			forceDatabaseFiles: z.boolean().optional(),
		}),
		result: PreviewResult,
	},
} as const;
