import { type Manifest, OperationError } from "@davit/protocol";
import type { FileProgress } from "../files/job.ts";
import type { OperationContext } from "../operation.ts";
import { openSnapshot } from "../restic/open-snapshot.ts";
import { restoreTree } from "../restic/restore-tree.ts";
import type { Reached } from "./reach-place.ts";
import type { SwapFacts } from "./swap-steps.ts";

interface Watching {
	readonly context: OperationContext;
	readonly signal: AbortSignal;
	readonly onProgress: (progress: FileProgress) => void;
}

/**
 * Makes the new folder of a restore or a drill from a snapshot. It is compared with the archive's entries afterwards, as is one that
 * came out of a capsule.
 * @throws OperationError path-not-allowed where the agent itself may not write there; of the repository
 */
export async function restoreFromRepository(
	found: { readonly manifest: Manifest; readonly folder: string },
	{ incoming, dataPath, choice }: Reached & Pick<SwapFacts, "incoming"> & Partial<Pick<SwapFacts, "choice">>,
	{ context, signal, onProgress }: Watching,
): Promise<{ readonly entries: number; readonly losses: readonly string[] }> {
	if (dataPath !== "host-path") {
		throw new OperationError(
			"path-not-allowed",
			`archive ${found.manifest.archive} cannot be restored: the agent may not write beside ${incoming} itself`,
			{ hint: "run the agent as root" },
		);
	}
	if (choice !== undefined) {
		throw new OperationError(
			"unsupported",
			`parts of archive ${found.manifest.archive} cannot be restored by themselves: it is in a repository`,
			{ hint: "restore all of it under another name with --as, then copy what you need" },
		);
	}
	const { restic, snapshot } = await openSnapshot(found, context.config, signal);
	await restoreTree(restic, { snapshot, manifest: found.manifest, target: incoming, signal, onProgress });
	const mayOwn = process.geteuid?.() === 0;
	return { entries: found.manifest.entries, losses: mayOwn ? [] : ["owners, which only root can set"] };
}
