import { BackupResult, instantOf, OperationError, resourceId } from "@davit/protocol";
import { z } from "zod";
import type { Operation, OperationContext } from "../operation.ts";
import { consistencyOf } from "../resource/archive-steps.ts";
import { lackOfSpace } from "../resource/check-space.ts";
import { findUsersOf } from "../resource/find-users.ts";
import { describeWriters } from "../resource/look-at-writers.ts";
import { planForCopy } from "../resource/plan-treatment.ts";
import { noteNoSnapshot, policyFor, policyOf, withoutSnapshot } from "../resource/policy.ts";
import { reachOf } from "../resource/reach-place.ts";
import { downtimeOf, warningsOf } from "../resource/writer-steps.ts";
import { type LocatedStack, locateStack } from "./locate-stack.ts";
import { backupFactsOf, lossesOf, type StackFacts } from "./part-facts.ts";
import { requireCompose } from "./run-compose.ts";
import { stackArchiveSteps } from "./stack-archive-steps.ts";

/**
 * Copies a whole Compose project into one verified archive. All containers that write to any part of it are stopped or paused once,
 * for the length of the copy. A failure leaves no archive.
 */
export const backUpStack: Operation<"stack.backup", StackFacts> = {
	async prepare(params, context, signal) {
		const { config, command, now } = context;
		await requireCompose(config);
		const stack = await locateStack(params.stack, context, signal);
		const resource = resourceId({ kind: "stack", stack: params.stack });
		await requireSpace(stack, context, signal);
		const policy = policyFor(params.consistency, policyOf(resource, {}, config));
		// The states of containers move fastest, so they are looked at last.
		const startedAtMs = now();
		const { engine } = context;
		if (engine === undefined)
			throw new OperationError("docker-unreachable", `${resource} needs a Docker engine`);
		const users = await findUsersOf(
			stack.parts.map(({ place }) => place),
			engine,
			signal,
		);
		const treated = await planForCopy(users, withoutSnapshot(policy), { engine, signal });
		return {
			...{ resource, command, archive: context.archives.archiveOf(command), startedAtMs, stack, treated },
			writers: describeWriters(users, treated),
			policy,
			notes:
				policy.consistency === "snapshot" ? [noteNoSnapshot("of a whole stack none is made", policy)] : [],
			images: params.images === undefined ? "homeless" : params.images ? "all" : "none",
		};
	},
	steps: stackArchiveSteps,
	result(facts, outputs) {
		const described = Told.parse(outputs.get("describe"));
		const copied = Counted.parse(outputs.get("copy"));
		const images = Counted.parse(outputs.get("images") ?? { entries: 0, contentBytes: 0, warnings: [] });
		const sealed = Sealed.parse(outputs.get("seal"));
		const { atMs } = Timed.parse(outputs.get("verify") ?? sealed);
		const strays = warningsOf(outputs);
		const losses = lossesOf(facts.stack.leftOut);
		const warnings = [...losses, ...strays, ...described.warnings, ...copied.warnings, ...images.warnings];
		const result = BackupResult.parse({
			...{ archive: facts.archive, takenAt: instantOf(facts.startedAtMs), bytes: sealed.bytes },
			...{ contentBytes: sealed.contentBytes, entries: sealed.entries, warnings: warnings.slice(0, 50) },
			...{ consistency: consistencyOf(backupFactsOf(facts), outputs), downtimeMs: downtimeOf(outputs) },
			durationMs: Math.max(0, Math.round(atMs - facts.startedAtMs)),
			...(facts.notes.length === 0 ? {} : { notes: facts.notes }),
		});
		return { state: warnings.length === 0 ? "succeeded" : "partial", result };
	},
};

const Timed = z.object({ atMs: z.number() });
const Told = z.object({ warnings: z.array(z.string()) });
const Counted = Told.extend({ entries: z.int(), contentBytes: z.int() });
const Sealed = Timed.extend({ bytes: z.int(), entries: z.int(), contentBytes: z.int() });

async function requireSpace(
	{ project, parts }: LocatedStack,
	context: OperationContext,
	signal: AbortSignal,
): Promise<void> {
	const { archives, config } = context;
	let needBytes = 0;
	for (const part of parts) {
		// How much the archive API will give cannot be known before.
		if (part.dataPath === "archive-api") continue;
		const job = { kind: "measure", root: part.place.folder } as const;
		needBytes += (await reachOf(part, context).do(job, { signal })).contentBytes;
	}
	const lack = lackOfSpace({
		...{ what: `the archive of stack ${project}`, path: config.archivesPath, needBytes },
		...{ freeBytes: await archives.freeBytes(), reserveBytes: config.minimumFreeBytes },
	});
	if (lack !== undefined) throw lack;
}
