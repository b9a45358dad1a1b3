import { z } from "zod";
import { Consistency } from "../consistency.ts";
import { PlanFacts } from "../plan.ts";
import { ArchiveId, FolderPath, Sha256 } from "../vocabulary.ts";
import { BackupResult, KeepLast, PlanAction, PruneResult, RestoreResult, VerifyResult } from "./results.ts";

export const pathOperations = {
	/** Copies a configured folder into a verified archive on the host while its writers are stopped, paused or left alone. */
	"path.backup": {
		effect: "reads",
		params: z.strictObject({ path: FolderPath, consistency: Consistency.optional() }),
		result: BackupResult,
	},
	/** Reads every byte of an archive of a folder and compares it with its signed manifest. */
	"path.verify": {
		effect: "reads",
		params: z.strictObject({ path: FolderPath, archive: ArchiveId }),
		result: VerifyResult,
	},
	/** Says what a restore or an undo of a folder would do, without doing it. */
	"path.plan": {
		effect: "reads",
		params: z.strictObject({ path: FolderPath, action: PlanAction }),
		result: PlanFacts,
	},
	/** Replaces a folder's content exactly by an archive's; the old content is kept as an undo. */
	"path.restore": {
		effect: "destroys",
		params: z.strictObject({ path: FolderPath, archive: ArchiveId, plan: Sha256 }),
		result: RestoreResult,
	},
	/** Puts back the content that a folder's newest restore set aside; what is replaced is kept as an undo in turn. */
	"path.undo": {
		effect: "destroys",
		params: z.strictObject({ path: FolderPath, plan: Sha256 }),
		result: RestoreResult,
	},
	/** Removes a folder's archives beyond the newest `keepLast`, never the newest good one. */
	"path.prune": {
		effect: "destroys",
		params: z.strictObject({ path: FolderPath, keepLast: KeepLast }),
		result: PruneResult,
	},
} as const;
