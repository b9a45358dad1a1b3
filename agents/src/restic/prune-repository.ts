import { instantOf, OperationError, type RepositoryName } from "@davit/protocol";
import { z } from "zod";
import type { Operation, OperationContext, Step } from "../operation.ts";
import { readCondition, writeCondition } from "./condition.ts";
import { runPastDeadLocks } from "./dead-locks.ts";
import { openRestic } from "./find-restic.ts";
import { describeExit } from "./judge-exit.ts";
import { forgetOrphans } from "./orphans.ts";
import { requireArchivesPath } from "./require-archives-path.ts";
import { readRepositoryId } from "./snapshots.ts";

interface PruneFacts {
	readonly repository: RepositoryName;
	readonly beganAtMs: number;
}

/**
 * Removes what no snapshot needs. Nothing is removed from a repository that a check found damaged: what is left of it may be what a
 * repair needs.
 */
export const pruneRepository: Operation<"repository.prune", PruneFacts & Readonly<Record<string, unknown>>> =
	{
		async prepare({ path, repository }, { config, now }, signal) {
			requireArchivesPath(path, config);
			const beganAtMs = now();
			const restic = await openRestic(repository, config);
			const { damage } = await readCondition(restic);
			if (damage !== undefined) {
				throw new OperationError(
					"repository-damaged",
					`repository ${repository} is not pruned while it is damaged: ${damage.reason}`,
				);
			}
			await readRepositoryId(restic, signal);
			return { repository, beganAtMs };
		},
		steps: (facts, context) => [pruneStep(facts, context)],
		result({ repository, beganAtMs }, outputs) {
			const { removed, atMs } = Pruned.parse(outputs.get("prune"));
			const durationMs = Math.max(0, Math.round(atMs - beganAtMs));
			return {
				state: "succeeded",
				result: { repository, durationMs, ...(removed === undefined ? {} : { removed }) },
			};
		},
	};

const Pruned = z.object({ removed: z.string().optional(), atMs: z.number() });

function pruneStep({ repository }: PruneFacts, { config, now }: OperationContext): Step {
	return {
		name: "prune",
		intent: { repository },
		async run(signal) {
			const restic = await openRestic(repository, config);
			await forgetOrphans(restic, signal);
			const answer = await runPastDeadLocks(restic, { arguments: ["prune"], signal });
			if (answer.code !== 0) throw describeExit(answer, { repository, doing: "prune" });
			await writeCondition(restic, { ...(await readCondition(restic)), prunedAt: instantOf(now()) });
			const removed = /^total prune: +(.+)$/m.exec(answer.output)?.[1]?.slice(0, 100);
			return { atMs: now(), ...(removed === undefined ? {} : { removed }) };
		},
		// Whether all that can go is gone only another prune can tell.
		probe: () => Promise.resolve("absent"),
		// restic writes the new index before it removes what the old one named: wherever it ends, each snapshot is whole.
		undo: () => Promise.resolve(),
	};
}
