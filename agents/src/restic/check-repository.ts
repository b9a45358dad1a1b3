import { instantOf, OperationError } from "@davit/protocol";
import { z } from "zod";
import type { Reading } from "../operation.ts";
import { type RepositoryCondition, readCondition, writeCondition } from "./condition.ts";
import { runPastDeadLocks } from "./dead-locks.ts";
import { openRestic } from "./find-restic.ts";
import { describeExit } from "./judge-exit.ts";
import { requireArchivesPath } from "./require-archives-path.ts";
import type { Restic } from "./run-restic.ts";
import { readRepositoryId } from "./snapshots.ts";

/** Says whether something is wrong even where the exit code would be that of any failure; restic has it since 0.18. */
const Summary = z.object({ message_type: z.literal("summary"), num_errors: z.int().nonnegative() });

/**
 * Checks the repository's structure and reads the next part of its content. What was found is written down before it is told: the
 * next check goes on after this part, or reads it again where it was damaged.
 */
export const checkRepository: Reading<"repository.check"> = {
	async read({ path, repository }, { config, now }, signal) {
		requireArchivesPath(path, config);
		const beganAtMs = now();
		const restic = await openRestic(repository, config);
		// It answers within the contact time; the check itself may be silent for hours.
		await readRepositoryId(restic, signal);
		const before = await readCondition(restic);
		const parts = restic.repository.checkParts;
		const part = nextPart(before, parts);
		const reason = await checkPart(restic, { part, parts }, signal);
		const checkedAt = instantOf(now());
		const { damage: _old, ...rest } = { ...before, part, parts, checkedAt };
		if (reason !== undefined) {
			await writeCondition(restic, { ...rest, damage: { at: checkedAt, part, reason } });
			throw new OperationError(
				"repository-damaged",
				`part ${part} of ${parts} of repository ${repository} is damaged: ${reason}`,
			);
		}
		await writeCondition(restic, rest);
		const durationMs = Math.max(0, Math.round(now() - beganAtMs));
		return { state: "succeeded", result: { repository, part, parts, checkedAt, durationMs } };
	},
};

function nextPart({ part, parts, damage }: RepositoryCondition, wanted: number): number {
	if (part === undefined || parts !== wanted) return 1;
	return damage === undefined ? (part % wanted) + 1 : part;
}

/** What is wrong with it; undefined = nothing. @throws OperationError of the repository, where that was not found out */
async function checkPart(
	restic: Restic,
	{ part, parts }: { readonly part: number; readonly parts: number },
	signal: AbortSignal,
): Promise<string | undefined> {
	let summary: z.infer<typeof Summary> | undefined;
	const answer = await runPastDeadLocks(restic, {
		arguments: ["check", `--read-data-subset=${part}/${parts}`],
		signal,
		onLine: (line) => {
			summary = Summary.safeParse(line).data ?? summary;
		},
	});
	if (answer.code === 0) return undefined;
	if (summary === undefined || summary.num_errors === 0) {
		throw describeExit(answer, { repository: restic.repository.name, doing: "check" });
	}
	return (answer.complaints[0] ?? `restic found ${summary.num_errors} errors`).slice(0, 300);
}
