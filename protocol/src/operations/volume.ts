import { z } from "zod";
import { PlanFacts } from "../plan.ts";
import { ArchiveId, Sha256, VolumeName } from "../vocabulary.ts";
import { BackupChoice } from "./backup-choice.ts";
import { impossible, isPossible, NewName, restoreChoice } from "./restore-choice.ts";
import {
	BackupResult,
	CopyResult,
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

export const volumeOperations = {
	/** Copies a volume into a verified archive on the host while its writers are stopped, paused or left alone. */
	"volume.backup": {
		effect: "reads",
		params: z.strictObject({
			volume: VolumeName,
			...BackupChoice.shape,
		}),
		result: BackupResult,
	},
	/** Reads every byte of an archive of a volume and compares it with its signed manifest. */
	"volume.verify": {
		effect: "reads",
		params: z.strictObject({ volume: VolumeName, archive: ArchiveId, sample: VerifySample.optional() }),
		result: VerifyResult,
	},
	/** Restores an archive of a volume into a scratch volume, compares it entry by entry, and removes it; without a name the newest verified one. */
	"volume.drill": {
		effect: "reads",
		params: z.strictObject({ volume: VolumeName, archive: ArchiveId.optional() }),
		result: DrillResult,
	},
	/** Says what a restore or an undo of a volume would do, without doing it. */
	"volume.plan": {
		effect: "reads",
		params: z.strictObject({ volume: VolumeName, action: PlanAction }),
		result: PlanFacts,
	},
	/** Replaces a volume's content exactly by an archive's, or what was chosen of it, and keeps the old content as an undo; or restores it beside under a new name. */
	"volume.restore": {
		effect: "destroys",
		params: z
			.strictObject({ volume: VolumeName, archive: ArchiveId, plan: Sha256, ...restoreChoice })
			.refine(isPossible, impossible),
		result: RestoreResult,
	},
	/** Puts back the content that a volume's newest restore set aside; what is replaced is kept as an undo in turn. */
	"volume.undo": {
		effect: "destroys",
		params: z.strictObject({ volume: VolumeName, plan: Sha256 }),
		result: RestoreResult,
	},
	/** Marks a volume's archives that its policy does not keep, and removes those that were marked a grace ago; never the newest good one. */
	"volume.prune": {
		effect: "destroys",
		params: z
			.strictObject({ volume: VolumeName, ...Retention })
			.refine(hasPolicy, "give either keepLast or policy"),
		result: PruneResult,
	},
	/** Makes a new volume that holds what a volume holds at one moment; its writers are treated as for a backup. */
	"volume.copy": {
		effect: "reads",
		params: z.strictObject({ volume: VolumeName, as: NewName }),
		result: CopyResult,
	},
	/** Pins an archive of a volume or lets it go again, keeps one that was marked for removal, or holds all of them. */
	"volume.keep": {
		effect: "writes",
		params: z.strictObject({ volume: VolumeName, change: KeepChange }),
		result: KeepResult,
	},
} as const;
