import { BackupResult, instantOf } from "@davit/protocol";
import { z } from "zod";
import type { Operation } from "../operation.ts";
import { consistencyOf } from "../resource/archive-steps.ts";
import { downtimeOf, warningsOf } from "../resource/writer-steps.ts";
import { backupFactsOf, forcedOf, lossesOf, type StackFacts } from "./part-facts.ts";
import { stackArchiveSteps } from "./stack-archive-steps.ts";
import { surveyStackBackup } from "./survey-stack-backup.ts";

/**
 * Copies a whole Compose project into one verified archive. All containers that write to any part of it are stopped or paused once,
 * for the length of the copy. A failure leaves no archive.
 */
export const backUpStack: Operation<"stack.backup", StackFacts> = {
	async prepare(params, context, signal) {
		const object = (blocker: Error) => {
			throw blocker;
		};
		return (await surveyStackBackup(params, { context, signal, object })).facts;
	},
	steps: stackArchiveSteps,
	result(facts, outputs) {
		const described = Told.parse(outputs.get("describe"));
		const copied = Counted.parse(outputs.get("copy"));
		const images = Counted.parse(outputs.get("images") ?? { entries: 0, contentBytes: 0, warnings: [] });
		const sealed = Sealed.parse(outputs.get("seal"));
		const { atMs } = Timed.parse(outputs.get("verify") ?? sealed);
		const strays = warningsOf(outputs);
		const losses = [...lossesOf(facts.stack.leftOut), ...forcedOf(facts)];
		const warnings = [...losses, ...strays, ...described.warnings, ...copied.warnings, ...images.warnings];
		const result = BackupResult.parse({
			...{ archive: facts.archive, takenAt: instantOf(facts.startedAtMs), bytes: sealed.bytes },
			...{ contentBytes: sealed.contentBytes, entries: sealed.entries, warnings: warnings.slice(0, 50) },
			...{ consistency: consistencyOf(backupFactsOf(facts), outputs), downtimeMs: downtimeOf(outputs) },
			...facts.prediction,
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
