import type { Archives } from "@davit/agents/archives/archives.ts";
import { type Keeping, withRecords, withSequence } from "@davit/agents/archives/keep-records.ts";
import type { OperationContext } from "@davit/agents/operation.ts";
import { prune } from "@davit/agents/resource/prune.ts";
import { type ArchiveSummary, FolderPath, OperationError, type RetentionPolicy } from "@davit/protocol";

const path = FolderPath.parse("/srv/data");

/** The agent's own retention on archives in memory. */
export interface Executor {
	readonly clock: { nowMs: number; servedMs: number };
	take(archive: ArchiveSummary): void;
	prune(policy: RetentionPolicy): Promise<readonly string[]>;
	/** Newest first, with what is marked. */
	left(): ArchiveSummary[];
	keeping: Keeping;
}

export function openExecutor(): Executor {
	let held: ArchiveSummary[] = [];
	const executor: Executor = {
		clock: { nowMs: 0, servedMs: 0 },
		keeping: { version: 1, next: 1, archives: {} },
		take(archive) {
			held.push(archive);
			executor.keeping = withSequence(executor.keeping, archive.id);
			const { pinnedAt } = archive;
			if (pinnedAt === undefined) return;
			const kept = { ...executor.keeping.archives[archive.id], pinnedAt };
			executor.keeping = {
				...executor.keeping,
				archives: { ...executor.keeping.archives, [archive.id]: kept },
			};
		},
		async prune(policy) {
			const facts = await prune.prepare({ path, policy }, context, signal);
			for (const step of prune.steps(facts, context)) await step.run(signal);
			return prune.result(facts, new Map()).result.removed;
		},
		left: () => withRecords(held, executor.keeping),
	};
	const archives: Pick<Archives, "list" | "find" | "remove" | "records"> = {
		list: async () => executor.left(),
		find: (archive) => {
			// No manifest, so no repository either in which something would have to be forgotten.
			throw new OperationError("archive-not-found", `archive ${archive} is only in memory`);
		},
		remove: async (archive) => {
			held = held.filter(({ id }) => id !== archive);
		},
		records: {
			read: async () => executor.keeping,
			change: async (_resource, change) => {
				executor.keeping = change(executor.keeping);
			},
			servedMs: () => executor.clock.servedMs,
			saveServed: async () => undefined,
		},
	};
	const config = { suspicion: { shrinkBelow: 0, incompressibleAbove: 1 } };
	// Retention asks its context for nothing else.
	const context = { archives, config, now: () => executor.clock.nowMs } as unknown as OperationContext;
	return executor;
}

const { signal } = new AbortController();
