import { z } from "zod";
import { Consistency } from "../consistency.ts";
import { PlanFacts } from "../plan.ts";
import { ArchiveId, ProjectName, Sha256 } from "../vocabulary.ts";
import {
	BackupResult,
	DrillResult,
	hasPolicy,
	KeepChange,
	KeepResult,
	PlanAction,
	PruneResult,
	RestoreResult,
	Retention,
	VerifyResult,
	VerifySample,
} from "./results.ts";

export const stackOperations = {
	/** Copies all volumes and folders of a Compose project, its files, networks and image digests into one verified archive, its containers stopped or paused once. */
	"stack.backup": {
		effect: "reads",
		params: z.strictObject({
			stack: ProjectName,
			consistency: Consistency.optional(),
			/** Whether the images themselves go into the archive, for a host that no registry gives them to; else their digests only. */
			images: z.boolean().optional(),
			/** Copies files of a database that is in use too; they may be damaged, and the backup is partial. */
			forceDatabaseFiles: z.boolean().optional(),
		}),
		result: BackupResult,
	},
	/** Reads every byte of an archive of a stack, part by part, and compares it with its signed manifests. */
	"stack.verify": {
		effect: "reads",
		params: z.strictObject({ stack: ProjectName, archive: ArchiveId, sample: VerifySample.optional() }),
		result: VerifyResult,
	},
	/** Restores an archive of a stack where nothing is, compares every part of it, and removes it. */
	"stack.drill": {
		effect: "reads",
		params: z.strictObject({ stack: ProjectName, archive: ArchiveId.optional() }),
		result: DrillResult,
	},
	/** Says what a restore or an undo of a stack would do, without doing it. */
	"stack.plan": {
		effect: "reads",
		params: z.strictObject({ stack: ProjectName, action: PlanAction }),
		result: PlanFacts,
	},
	/** Brings a Compose project back as an archive has it: networks, volumes, folders, files and images, then its containers. */
	"stack.restore": {
		effect: "destroys",
		params: z.strictObject({ stack: ProjectName, archive: ArchiveId, plan: Sha256 }),
		result: RestoreResult,
	},
	/** Puts back what a stack's newest restore set aside; what is replaced is kept as an undo in turn. */
	"stack.undo": {
		effect: "destroys",
		params: z.strictObject({ stack: ProjectName, plan: Sha256 }),
		result: RestoreResult,
	},
	/** Marks a stack's archives that its policy does not keep, and removes those that were marked a grace ago; never the newest good one. */
	"stack.prune": {
		effect: "destroys",
		params: z
			.strictObject({ stack: ProjectName, ...Retention })
			.refine(hasPolicy, "give either keepLast or policy"),
		result: PruneResult,
	},
	/** Pins an archive of a stack or lets it go again, keeps one that was marked for removal, or holds all of them. */
	"stack.keep": {
		effect: "writes",
		params: z.strictObject({ stack: ProjectName, change: KeepChange }),
		result: KeepResult,
	},
} as const;
