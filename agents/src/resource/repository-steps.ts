import { rm } from "node:fs/promises";
import { join } from "node:path";
import { Bytes, type Manifest, OperationError, resourceKey } from "@davit/protocol";
import { writeSnapshotRecord } from "../archives/snapshot-record.ts";
import type { PackedTree } from "../files/job.ts";
import type { RawPath } from "../files/raw-path.ts";
import { showRaw } from "../files/raw-path.ts";
import { runFileJob } from "../files/run-job.ts";
import type { OperationContext, Step } from "../operation.ts";
import { openRestic } from "../restic/find-restic.ts";
import { forgetArchive, forgetOrphans } from "../restic/orphans.ts";
import { requireConfirmed } from "../restic/read-back.ts";
import type { Restic } from "../restic/run-restic.ts";
import { tagOf } from "../restic/snapshots.ts";
import { type Stored, storeTree } from "../restic/store-tree.ts";
import {
	type BackupFacts,
	keepOutput,
	manifestOf,
	type Outputs,
	takenAt,
	verifyStep,
} from "./archive-steps.ts";
import { hookSteps } from "./hook-steps.ts";
import { showProgress } from "./show-progress.ts";
import { writerStepsOfCopy } from "./writer-steps.ts";

type RepositoryFacts = BackupFacts & { readonly repository: NonNullable<Manifest["repository"]> };

/** What the steps of one life found, for the later of them. */
interface Found {
	tree?: PackedTree;
	stored?: Stored;
}

/**
 * Quiesce, list, store, resume, confirm, seal, verify: the description goes into the same snapshot as the tree, and the archive exists
 * on this host when the snapshot was found to hold it. Writers wait until the tree is stored.
 */
export function repositorySteps(facts: RepositoryFacts, context: OperationContext): readonly Step[] {
	const found: Found = {};
	const outputs = new Map<string, Readonly<Record<string, unknown>>>();
	const writers = writerStepsOfCopy(facts, context);
	const hooks = hookSteps(facts, context);
	const steps = [
		...hooks.before,
		...writers.quiesce,
		storeStep(facts, context, { found, outputs }),
		...writers.resume,
		...hooks.after,
		sealStep(facts, context, found),
		verifyStep(facts, context),
	];
	return steps.map((step) => ({ ...step, run: (signal) => keepOutput(step, outputs, signal) }));
}

/** Files that changed meanwhile are left out of the next try: what is stored is what the description says. */
const tries = 3;

function storeStep(
	facts: RepositoryFacts,
	context: OperationContext,
	parts: { readonly found: Found; readonly outputs: Outputs },
): Step {
	const { place, archive, repository } = facts;
	const { config } = context;
	return {
		name: "copy",
		intent: { from: place.folder, repository: repository.name, archive },
		async run(signal) {
			const restic = await openRestic(repository.name, config);
			await forgetOrphans(restic, signal);
			const storing = { facts, context, restic, signal, ...parts };
			let without: readonly RawPath[] = [];
			for (let attempt = 1; ; attempt += 1) {
				const changed = await tryToStore(storing, without);
				if (changed.length === 0) break;
				await forgetTry(facts, restic, signal);
				if (attempt === tries) throw stillChanging(facts, changed);
				without = [...new Set([...without, ...changed])];
			}
			const { tree, stored } = parts.found;
			if (tree === undefined || stored === undefined) throw new TypeError("a backup stored nothing");
			const { entries, contentBytes, warnings } = tree;
			return { entries, contentBytes, warnings: warnings.slice(0, 50), snapshot: stored.snapshot };
		},
		probe: async () => "partial",
		async undo() {
			const signal = AbortSignal.timeout(undoMs);
			await forgetArchive(await openRestic(repository.name, config), archive, signal);
			await rm(context.archives.stagingOf(place.resource, repository.name), { recursive: true, force: true });
		},
	};
}

const undoMs = 5 * 60_000;

interface TryingToStore {
	readonly facts: RepositoryFacts;
	readonly context: OperationContext;
	readonly restic: Restic;
	readonly signal: AbortSignal;
	readonly found: Found;
	readonly outputs: Outputs;
}

/** Lists, describes and stores the tree once; returns what was not what it was listed as by then. */
async function tryToStore(storing: TryingToStore, without: readonly RawPath[]): Promise<readonly RawPath[]> {
	const { facts, context, restic, signal, found, outputs } = storing;
	const { place, archive, repository } = facts;
	const { archives, config, host, run, now } = context;
	const staging = await archives.stage(place.resource, repository.name);
	const seen = join(config.home, "agent", "seen", `${repository.name}-${resourceKey(place.resource)}`);
	const listing = { root: place.folder, seen, without };
	found.tree = await runFileJob(
		{ kind: "index", directory: staging, ...listing },
		{ signal, onProgress: showProgress("list", context) },
	);
	const manifest = manifestOf(facts, context, { tree: found.tree, outputs, atMs: now() });
	await archives.describe(manifest, staging);
	found.stored = await storeTree(restic, {
		folders: [place.folder, staging],
		tags: [
			tagOf.archive(archive),
			tagOf.fence(context.command),
			tagOf.run(run),
			tagOf.resource(resourceKey(place.resource)),
		],
		...{ host, without, scratch: config.home, signal, onProgress: showProgress("copy", context) },
	});
	const changed = await runFileJob({ kind: "recheck", ...listing }, { signal });
	if (changed.length === 0 && found.stored.unread.length > 0) {
		throw new OperationError(
			"source-changed",
			`restic could not read all of ${place.resource}: ${found.stored.unread[0]}`,
		);
	}
	return changed;
}

function stillChanging({ place }: RepositoryFacts, changed: readonly RawPath[]): OperationError {
	const [first = ""] = changed;
	return new OperationError(
		"source-changed",
		`${changed.length} entries of ${place.resource} changed each time they were read, first ${showRaw(first)}`,
	);
}

/** A try that was not right must be gone before the next: one archive is one snapshot. */
async function forgetTry(
	{ archive, repository }: RepositoryFacts,
	restic: Restic,
	signal: AbortSignal,
): Promise<void> {
	if (await forgetArchive(restic, archive, signal)) return;
	throw new OperationError(
		"repository-unreachable",
		`repository ${repository.name} does not answer any more`,
	);
}

/** The archive exists on this host once the repository gave back what it was given to describe it. */
function sealStep(facts: RepositoryFacts, context: OperationContext, found: Found): Step {
	const { place, archive, repository } = facts;
	const { archives, config, now } = context;
	return {
		name: "seal",
		intent: { archive, repository: repository.name },
		async run(signal) {
			const { tree, stored } = found;
			if (tree === undefined || stored === undefined) throw new TypeError("sealed before it was stored");
			const restic = await openRestic(repository.name, config);
			const staging = archives.stagingOf(place.resource, repository.name);
			const { snapshot, addedBytes } = stored;
			await requireConfirmed(restic, { snapshot, described: staging, command: context.command, signal });
			await writeSnapshotRecord(staging, { snapshot, addedBytes: Bytes.parse(addedBytes) });
			await archives.adopt(staging, { resource: place.resource, archive, takenAt: takenAt(facts) });
			return { bytes: addedBytes, atMs: now() };
		},
		probe: () => archives.presence(place.resource, archive),
		undo: async () => {
			// The undo of `copy` forgets its snapshot.
			if ((await archives.presence(place.resource, archive)) === "complete") await archives.remove(archive);
		},
	};
}
