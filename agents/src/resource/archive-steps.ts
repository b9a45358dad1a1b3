import {
	type ArchiveId,
	type Consistency,
	type Instant,
	instantOf,
	type Manifest,
	manifestVersion,
} from "@davit/protocol";
import { commandLabel } from "../docker/command-label.ts";
import { requireEngine } from "../docker/require-engine.ts";
import { hideNames } from "../encryption/hide-names.ts";
import type { PackedTree } from "../files/job.ts";
import type { OperationContext, Step } from "../operation.ts";
import { davitVersion } from "../version.ts";
import { removeReader } from "../volume/read-over-engine.ts";
import { type HookFacts, hookSteps, hooksOf, hookWarningsOf } from "./hook-steps.ts";
import type { Located } from "./locate.ts";
import type { WriterFacts } from "./look-at-writers.ts";
import { packPlace } from "./pack-place.ts";
import { watchDatabases } from "./refuse-databases.ts";
import { showProgress } from "./show-progress.ts";
import { type SnapshotFacts, snapshotOf, snapshotSteps } from "./snapshot-steps.ts";
import { verifyStored } from "./verify-stored.ts";
import { downtimeOf, downtimePartsOf, warningsOf, writerStepsOfCopy } from "./writer-steps.ts";

/** Everything a backup needs to know, now or after a crash. */
export type BackupFacts = Located &
	SnapshotFacts &
	HookFacts &
	WriterFacts & {
		readonly archive: ArchiveId;
		/** What its files held when it was looked at; absent where that cannot be known before they are read. */
		readonly expectedBytes?: number;
		readonly prediction?: { readonly predictedDowntimeMs?: number };
		/** Where a restic snapshot is to hold its content; absent = this host's archives. */
		readonly repository?: NonNullable<Manifest["repository"]>;
	};

export type Outputs = ReadonlyMap<string, Readonly<Record<string, unknown>>>;
type Copied = { folder?: string; tree?: PackedTree };

/**
 * Quiesce, copy, resume, seal, verify: an archive that was not read back goes again, and writers wait for the copy only; where
 * there is a snapshot, for that only.
 */
export function archiveSteps(facts: BackupFacts, context: OperationContext): readonly Step[] {
	// Up to the commit point one life of the agent runs all steps, so later ones may read what earlier ones found.
	const outputs = new Map<string, Readonly<Record<string, unknown>>>();
	const copied: Copied = {};
	const writers = writerStepsOfCopy(facts, context);
	const copy = copyStep(facts, context, { copied, outputs });
	const snapshot = snapshotSteps(facts, context, copy);
	const hooks = hookSteps(facts, context);
	const back = [...writers.resume, ...hooks.after];
	const steps = [
		...hooks.before,
		...writers.quiesce,
		...(snapshot === undefined ? [copy, ...back] : [snapshot.take, ...back, copy, snapshot.drop]),
		sealStep(facts, context, { copied, outputs }),
		verifyStep(facts, context),
	];
	return steps.map((step) => ({ ...step, run: (signal) => keepOutput(step, outputs, signal) }));
}

export function takenAt({ startedAtMs }: Pick<BackupFacts, "startedAtMs">): Instant {
	return instantOf(startedAtMs);
}

/** What was really done: the weakest that any writer got, and `live` where one wrote after all or nobody knows who writes. */
export function consistencyOf(
	{ writers, unknown }: Pick<BackupFacts, "writers" | "unknown">,
	outputs: Outputs,
): Consistency {
	const ladder = ["live", "paused", "stopped"] as const;
	if (warningsOf(outputs).length > 0) return "live";
	if (snapshotOf(outputs).isTaken) return "snapshot";
	if (unknown !== undefined) return "live";
	return ladder.find((step) => writers.some(({ treatment }) => treatment === step)) ?? "stopped";
}

export async function keepOutput(
	step: Step,
	outputs: Map<string, Readonly<Record<string, unknown>>>,
	signal: AbortSignal,
) {
	const output = await step.run(signal);
	if (output !== undefined) outputs.set(step.name, output);
	return output;
}

function copyStep(
	facts: BackupFacts,
	context: OperationContext,
	{ copied, outputs }: { readonly copied: Copied; readonly outputs: Outputs },
): Step {
	const { place, archive, dataPath, snapshot, expectedBytes } = facts;
	const { archives } = context;
	return {
		name: "copy",
		intent: { from: place.folder, dataPath, archive },
		async run(signal) {
			if (copied.tree !== undefined) return tellCopied(copied.tree);
			const root = snapshotOf(outputs).isTaken ? snapshot?.root : undefined;
			const folder = await archives.begin(place.resource, archive, takenAt(facts));
			const databases = watchDatabases(facts);
			const packed = await packPlace(facts, context, {
				...{ directory: folder, signal, onProgress: showProgress("copy", context) },
				...(root === undefined ? {} : { root }),
				...(expectedBytes === undefined ? {} : { expectedBytes }),
				...(databases === undefined ? {} : { onDatabase: databases.onDatabase }),
			});
			const tree = withForced(packed, databases?.warnings ?? []);
			Object.assign(copied, { folder, tree });
			return tellCopied(tree);
		},
		probe: () => archives.presence(place.resource, archive),
		async undo() {
			// First, so that nobody writes into what is discarded.
			if (dataPath !== "host-path") await removeLeftReader(context);
			await archives.discard(place.resource, archive);
		},
	};
}

function tellCopied({ entries, contentBytes, warnings }: PackedTree) {
	return { entries, contentBytes, warnings: warnings.slice(0, 50) };
}

/** What an earlier life of the agent read the volume with. */
async function removeLeftReader(context: OperationContext): Promise<void> {
	const signal = AbortSignal.timeout(60_000);
	await removeReader(await requireEngine(context, signal), context.command, signal);
}

/** A database that was copied while it ran makes the backup partial. */
export function withForced(tree: PackedTree, forced: readonly string[]): PackedTree {
	if (forced.length === 0) return tree;
	return { ...tree, outcome: "partial", warnings: [...forced, ...tree.warnings] };
}

/** Writes the manifest, with which the archive exists; not yet verified, it counts for nothing. */
function sealStep(
	facts: BackupFacts,
	context: OperationContext,
	{ copied, outputs }: { readonly copied: Copied; readonly outputs: Outputs },
): Step {
	const { place, archive } = facts;
	const { archives, now } = context;
	return {
		name: "seal",
		intent: { archive },
		async run() {
			const { folder, tree } = copied;
			if (folder === undefined || tree === undefined) throw new TypeError("sealed before it was copied");
			const atMs = now();
			await archives.commit(manifestOf(facts, context, { tree, outputs, atMs }), folder);
			return { bytes: tree.artefacts.reduce((sum, { bytes }) => sum + bytes, 0), atMs };
		},
		probe: () => archives.presence(place.resource, archive),
		undo: async () => {
			if ((await archives.presence(place.resource, archive)) === "complete") await archives.remove(archive);
		},
	};
}

export function manifestOf(
	facts: BackupFacts,
	{ site, host, command, run, engine, archives }: OperationContext,
	{ tree, outputs, atMs }: { readonly tree: PackedTree; readonly outputs: Outputs; readonly atMs: number },
): Manifest {
	const strays = [...warningsOf(outputs), ...hookWarningsOf(outputs)];
	const hooks = hooksOf(outputs);
	const { isTaken, notes } = snapshotOf(outputs);
	const forced = forcedOf(facts, outputs);
	const { [commandLabel]: _ours, ...volumeLabels } = facts.labels;
	return {
		...{
			format: "davit-capsule",
			version: manifestVersion,
			archive: facts.archive,
			site,
			host,
			command,
			run,
		},
		...{ resource: facts.place.resource, takenAt: takenAt(facts) },
		durationMs: Math.max(0, Math.round(atMs - facts.startedAtMs)),
		consistency: consistencyOf(facts, outputs),
		...(isTaken && facts.snapshot !== undefined ? { snapshot: facts.snapshot.method } : {}),
		...{ writers: facts.writers, downtimeMs: downtimeOf(outputs), dataPath: facts.dataPath },
		...{ ...facts.prediction, ...downtimePartsOf(outputs) },
		...{ fidelity: tree.fidelity, losses: tree.losses, artefacts: [...tree.artefacts] },
		outcome: strays.length + forced.length === 0 ? tree.outcome : "partial",
		warnings: [...strays, ...forced, ...hideNames(tree)].slice(0, 1000),
		...notesOf(facts, notes),
		...(hooks.length === 0 ? {} : { hooks: [...hooks] }),
		...{ entries: tree.entries, contentBytes: tree.contentBytes, davit: davitVersion },
		...(tree.recipients === undefined ? {} : { recipients: [...tree.recipients] }),
		...(engine === undefined ? {} : { engine: engine.version }),
		...(Object.keys(volumeLabels).length === 0 ? {} : { volumeLabels }),
		...(facts.repository === undefined ? {} : { repository: facts.repository }),
		publicKey: archives.publicKey,
	};
}

/** Warnings of databases that were found before the copy began, and copied while they ran. */
export function forcedOf({ forced = [] }: Pick<BackupFacts, "forced">, outputs: Outputs): readonly string[] {
	return [...forced, ...snapshotOf(outputs).forced];
}

/** What was done otherwise than asked, where there is something. */
export function notesOf(
	{ notes }: Pick<BackupFacts, "notes">,
	more: readonly string[],
): { notes?: string[] } {
	const all = [...notes, ...more];
	return all.length === 0 ? {} : { notes: all };
}

/** Reads back every byte from the disk. Only what passes is a backup. */
export function verifyStep({ archive }: BackupFacts, context: OperationContext): Step {
	const { archives, now } = context;
	return {
		name: "verify",
		intent: { archive },
		commits: true,
		async run(signal) {
			await verifyStored(archive, context, { signal, onProgress: showProgress("verify", context) });
			return { atMs: now() };
		},
		async probe() {
			const { summary } = await archives.find(archive);
			return summary.proof.includes("verified") && !summary.damaged ? "complete" : "absent";
		},
		undo: async () => undefined,
	};
}
