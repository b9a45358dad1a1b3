import { type Manifest, OperationError } from "@davit/protocol";
import type { FileJob, FileProgress } from "../files/job.ts";
import { runFileJob } from "../files/run-job.ts";
import type { OperationContext } from "../operation.ts";
import { openSnapshot } from "../restic/open-snapshot.ts";
import { removeBeside, restoreBeside, restoreTree } from "../restic/restore-tree.ts";
import type { DataPath } from "./reach-place.ts";

interface Watching {
	readonly context: OperationContext;
	readonly signal: AbortSignal;
	readonly onProgress: (progress: FileProgress) => void;
}

/** What makes a new tree of an archive, or of what is chosen of it. */
export type MakeJob = Extract<FileJob, { kind: "unpack" | "compose" }>;

interface MadeTree {
	readonly entries: number;
	readonly losses: readonly string[];
	/** Of the last file, where one was chosen. */
	readonly sha256?: string;
}

/**
 * Does with a snapshot's content what the job does with an archive's own. Of a choice only that is read; it is proven by the archive's
 * digests before it is put in place. The caller's undo removes what lies beside the target.
 * @throws OperationError path-not-allowed where the agent itself may not write there; archive-corrupt; of the repository
 */
export async function restoreFromRepository(
	{ manifest, dataPath }: { readonly manifest: Manifest; readonly dataPath: DataPath },
	job: MakeJob,
	{ context, signal, onProgress }: Watching,
): Promise<MadeTree> {
	const { archive: folder, target } = job;
	if (dataPath !== "host-path") {
		throw new OperationError(
			"path-not-allowed",
			`archive ${manifest.archive} cannot be restored: the agent may not write beside ${target} itself`,
			{ hint: "run the agent as root" },
		);
	}
	const { restic, snapshot } = await openSnapshot({ manifest, folder }, context.config, signal);
	const restoring = { snapshot, manifest, target, signal, onProgress };
	if (job.kind === "unpack") {
		await restoreTree(restic, restoring);
		const mayOwn = process.geteuid?.() === 0;
		return { entries: manifest.entries, losses: mayOwn ? [] : ["owners, which only root can set"] };
	}
	const restored = await restoreBeside(restic, restoring, { paths: job.choice.paths ?? [] });
	const made = await runFileJob({ ...job, restored }, { signal, onProgress });
	await removeBeside(target);
	return made;
}
