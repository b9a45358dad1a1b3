import { z } from "zod";
import { PlanFacts } from "../plan.ts";
import { ArchiveId, FolderPath, Sha256 } from "../vocabulary.ts";
import { BackupChoice } from "./backup-choice.ts";
import { impossible, isPossible, restoreChoice } from "./restore-choice.ts";
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

export const pathOperations = {
	/** Copies a configured folder into a verified archive on the host while its writers are stopped, paused or left alone. */
	"path.backup": {
		effect: "reads",
		params: z.strictObject({
			path: FolderPath,
			...BackupChoice.shape,
		}),
		result: BackupResult,
	},
	/** Reads every byte of an archive of a folder and compares it with its signed manifest. */
	"path.verify": {
		effect: "reads",
		params: z.strictObject({ path: FolderPath, archive: ArchiveId, sample: VerifySample.optional() }),
		result: VerifyResult,
	},
	/** Restores an archive of a folder into a scratch folder, compares it entry by entry, and removes it; without a name the newest verified one. */
	"path.drill": {
		effect: "reads",
		params: z.strictObject({ path: FolderPath, archive: ArchiveId.optional() }),
		result: DrillResult,
	},
	/** Says what a restore or an undo of a folder would do, without doing it. */
	"path.plan": {
		effect: "reads",
		params: z.strictObject({ path: FolderPath, action: PlanAction }),
		result: PlanFacts,
	},
	/** Replaces a folder's content exactly by an archive's, or what was chosen of it, and keeps the old content as an undo; or restores it beside under a new name. */
	"path.restore": {
		effect: "destroys",
		params: z
			.strictObject({ path: FolderPath, archive: ArchiveId, plan: Sha256, ...restoreChoice })
			.refine(isPossible, impossible),
		result: RestoreResult,
	},
	/** Puts back the content that a folder's newest restore set aside; what is replaced is kept as an undo in turn. */
	"path.undo": {
		effect: "destroys",
		params: z.strictObject({ path: FolderPath, plan: Sha256 }),
		result: RestoreResult,
	},
	/** Marks a folder's archives that its policy does not keep, and removes those that were marked a grace ago; never the newest good one. */
	"path.prune": {
		effect: "destroys",
		params: z
			.strictObject({ path: FolderPath, ...Retention })
			.refine(hasPolicy, "give either keepLast or policy"),
		result: PruneResult,
	},
	/** Pins an archive of a folder or lets it go again, keeps one that was marked for removal, or holds all of them. */
	"path.keep": {
		effect: "writes",
		params: z.strictObject({ path: FolderPath, change: KeepChange }),
		result: KeepResult,
	},
} as const;
