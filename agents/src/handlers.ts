import type { OperationName } from "@davit/protocol";
import type { Handler } from "./operation.ts";
import { backUp } from "./resource/back-up.ts";
import { drill } from "./resource/drill.ts";
import { keep } from "./resource/keep.ts";
import { lookingHandlers } from "./resource/looking.ts";
import { plan } from "./resource/plan.ts";
import { prune } from "./resource/prune.ts";
import { restore, undo } from "./resource/restore.ts";
import { verify } from "./resource/verify.ts";
import { checkRepository } from "./restic/check-repository.ts";
import { pruneRepository } from "./restic/prune-repository.ts";
import { backUpStack } from "./stack/back-up-stack.ts";
import { drillStack } from "./stack/drill-stack.ts";
import { planStack, restoreStack, undoStack } from "./stack/restore-stack.ts";
import { copyVolume } from "./volume/copy-volume.ts";

/** What this agent does for each operation of the catalogue; volumes and folders differ only in where their data lies. */
export const handlers: { readonly [Name in OperationName]: Handler<Name> } = {
	...lookingHandlers,
	"volume.backup": backUp,
	"volume.verify": verify,
	"volume.drill": drill,
	"volume.plan": plan,
	"volume.restore": restore,
	"volume.undo": undo,
	"volume.prune": prune,
	"volume.copy": copyVolume,
	"volume.keep": keep,
	"path.backup": backUp,
	"path.verify": verify,
	"path.drill": drill,
	"path.plan": plan,
	"path.restore": restore,
	"path.undo": undo,
	"path.prune": prune,
	"stack.backup": backUpStack,
	"stack.verify": verify,
	"stack.drill": drillStack,
	"stack.plan": planStack,
	"stack.restore": restoreStack,
	"stack.undo": undoStack,
	"stack.prune": prune,
	"stack.keep": keep,
	"path.keep": keep,
	"repository.check": checkRepository,
	"repository.prune": pruneRepository,
};
