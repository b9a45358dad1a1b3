import { compareTree } from "./compare-tree.ts";
import { composeTree } from "./compose-tree.ts";
import { copyTree } from "./copy-tree.ts";
import { diffTrees } from "./diff-trees.ts";
import { findDatabases } from "./find-databases.ts";
import { indexTree, recheckTree } from "./index-tree.ts";
import type { FileContext, FileJob, FileResults, ResultOf } from "./job.ts";
import { measureTree } from "./measure-tree.ts";
import { packTree } from "./pack-tree.ts";
import { sampleContent } from "./sample-content.ts";
import { unpackTree } from "./unpack-tree.ts";
import { verifyContent } from "./verify-content.ts";

/** Does a job in this very thread, which it blocks; for worker threads, and for the process in a helper container. */
export async function performFileJob<Job extends FileJob>(
	job: Job,
	context: FileContext,
): Promise<ResultOf<Job>> {
	// `perform` answers a job of each kind with that kind's result.
	return (await perform(job, context)) as ResultOf<Job>;
}

function perform(job: FileJob, context: FileContext): Promise<FileResults[FileJob["kind"]]> {
	switch (job.kind) {
		case "pack":
			return packTree({ ...job, ...context });
		case "unpack":
			return unpackTree({ ...job, ...context });
		case "compare":
			return compareTree({ ...job, ...context });
		case "compose":
			return composeTree({ ...job, ...context });
		case "copy":
			return copyTree({ ...job, ...context });
		case "diff":
			return diffTrees({ ...job, ...context });
		case "index":
			return indexTree({ ...job, ...context });
		case "recheck":
			return recheckTree({ ...job, ...context });
		case "measure":
			return measureTree({ ...job, ...context });
		case "find-databases":
			return findDatabases({ ...job, ...context });
		case "verify":
			return verifyContent({ ...job, ...context });
		case "sample":
			return sampleContent({ ...job, ...context });
		default:
			return job satisfies never;
	}
}
