import { type DiffResult, entriesAtMost, OperationError, type ResourceId, resourceOf } from "@davit/protocol";
import type { FileJob } from "../files/job.ts";
import { runFileJob } from "../files/run-job.ts";
import type { OperationContext, Reading } from "../operation.ts";
import { fitPage } from "./fit-page.ts";
import { locate } from "./locate.ts";
import { reachOf } from "./reach-place.ts";
import { requireOwnArchive } from "./require-own-archive.ts";
import { showProgress } from "./show-progress.ts";

/** Says what differs between an archive and the present data, or a second archive of the same resource, a page at a time. */
export const diff: Reading<"volume.diff" | "path.diff"> = {
	async read(params, context, signal) {
		const { archive, against, from = 0 } = params;
		const resource = resourceOf(params);
		const { folder } = await requireOwnArchive(archive, resource, context.archives);
		const page = { before: { archive: folder }, from, count: entriesAtMost } as const;
		const watching = { signal, onProgress: showProgress("compare", context) };
		const found =
			against === "live"
				? await withLive(resource, page, { context, watching })
				: await withArchive((await requireOwnArchive(against, resource, context.archives)).folder, page, {
						context,
						watching,
					});
		const { added, removed, changed, metadata } = found.counts;
		const differences = fitPage(found.differences);
		const end = from + differences.length;
		const next = differences.length > 0 && end < added + removed + changed + metadata ? end : null;
		const result: DiffResult = { archive, against, counts: found.counts, differences, from, next };
		return { state: "succeeded", result };
	},
};

type Page = Pick<Extract<FileJob, { kind: "diff" }>, "before" | "from" | "count">;
interface Watching {
	readonly context: OperationContext;
	readonly watching: { readonly signal: AbortSignal };
}

async function withArchive(folder: string, page: Page, { context, watching }: Watching) {
	const job = { kind: "diff", ...page, after: { archive: folder } } as const;
	return runFileJob(await context.archives.equip(job), watching);
}

async function withLive(resource: ResourceId, page: Page, { context, watching }: Watching) {
	const located = await locate(resource, context, watching.signal);
	if (located.dataPath === "archive-api") {
		throw new OperationError("unsupported", `${resource} cannot be compared: ${located.whyNoSwap}`, {
			hint: "compare two archives of it instead",
		});
	}
	if (!located.place.exists) {
		throw new OperationError("resource-not-found", `${resource} is gone, so nothing can be compared with it`);
	}
	const job = { kind: "diff", ...page, after: { tree: located.place.folder } } as const;
	return reachOf(located, context).do(job, watching);
}
