import { BackupResult } from "@davit/protocol";
import { z } from "zod";
import type { Operation } from "../operation.ts";
import {
	archiveSteps,
	type BackupFacts,
	consistencyOf,
	forcedOf,
	notesOf,
	takenAt,
} from "./archive-steps.ts";
import { hooksOf, hookWarningsOf } from "./hook-steps.ts";
import { repositorySteps } from "./repository-steps.ts";
import { snapshotOf } from "./snapshot-steps.ts";
import { surveyBackup } from "./survey-backup.ts";
import { downtimeOf, warningsOf } from "./writer-steps.ts";

/**
 * Copies a resource into a verified archive. Its writers are stopped, paused or left alone for the length of the copy, and brought
 * back before the archive is read back. A failure leaves no archive.
 */
export const backUp: Operation<"volume.backup" | "path.backup", BackupFacts> = {
	async prepare(params, context, signal) {
		const object = (blocker: Error) => {
			throw blocker;
		};
		const archive = context.archives.archiveOf(context.command);
		return (await surveyBackup(params, archive, { context, signal, object })).facts;
	},
	steps(facts, context) {
		const { repository } = facts;
		return repository === undefined
			? archiveSteps(facts, context)
			: repositorySteps({ ...facts, repository }, context);
	},
	result(facts, outputs) {
		const copied = Copied.parse(outputs.get("copy"));
		const sealed = Sealed.parse(outputs.get("seal"));
		// Missing where the agent ended between reading it back and writing that down.
		const { atMs } = Timed.parse(outputs.get("verify") ?? sealed);
		const strays = [...warningsOf(outputs), ...hookWarningsOf(outputs)];
		const hooks = hooksOf(outputs);
		const warnings = [...strays, ...forcedOf(facts, outputs), ...copied.warnings].slice(0, 50);
		const result = BackupResult.parse({
			...{ archive: facts.archive, takenAt: takenAt(facts), bytes: sealed.bytes },
			...{ contentBytes: copied.contentBytes, entries: copied.entries, warnings },
			...{ consistency: consistencyOf(facts, outputs), downtimeMs: downtimeOf(outputs) },
			...facts.prediction,
			durationMs: Math.max(0, Math.round(atMs - facts.startedAtMs)),
			...notesOf(facts, snapshotOf(outputs).notes),
			...(hooks.length === 0 ? {} : { hooks }),
		});
		return { state: warnings.length === 0 ? "succeeded" : "partial", result };
	},
};

const Timed = z.object({ atMs: z.number() });
const Copied = z.object({ entries: z.int(), contentBytes: z.int(), warnings: z.array(z.string()) });
const Sealed = z.object({ bytes: z.int(), atMs: z.number() });
