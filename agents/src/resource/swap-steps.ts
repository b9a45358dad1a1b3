import { mkdir, rmdir } from "node:fs/promises";
import { basename, dirname } from "node:path";
import {
	type ArchiveId,
	type CommandId,
	type Instant,
	instantOf,
	OperationError,
	parseResource,
} from "@davit/protocol";
import { commandLabel } from "../docker/command-label.ts";
import { requireEngine } from "../docker/require-engine.ts";
import { errnoOf } from "../files/file-failure.ts";
import { runFileJob } from "../files/run-job.ts";
import type { OperationContext, Step, StepPresence } from "../operation.ts";
import { findAliveUsers } from "./find-users.ts";
import { isFolder, keptFolder, type Place } from "./place.ts";
import type { Treated } from "./plan-treatment.ts";
import { showProgress } from "./show-progress.ts";
import {
	bringForward,
	presenceOfPutInPlace,
	presenceOfSetAside,
	putInPlace,
	removeFolder,
	type Swap,
	setAside,
	statOf,
} from "./swap-folders.ts";
import { writerSteps } from "./writer-steps.ts";

/** Everything a swap needs to know, now or after a crash. */
export type SwapFacts = {
	readonly place: Place;
	readonly archive: ArchiveId;
	readonly startedAtMs: number;
	readonly treated: readonly Treated[];
	/** What will be in place: made by `unpack`, or kept by an earlier swap. */
	readonly incoming: string;
	/** Of an undo: the swap whose kept data comes back. */
	readonly undoes?: CommandId;
	/** Of a deleted volume: what it is made again with. */
	readonly labels: Readonly<Record<string, string>>;
	readonly replaced: number;
	readonly added: number;
	readonly removed: number;
};

/** The steps of a restore (with `unpack`) and of an undo (without). Until the new data is in place each leads back. */
export function swapSteps(facts: SwapFacts, context: OperationContext): readonly Step[] {
	const { place, incoming } = facts;
	const swap: Swap = { folder: place.folder, incoming, kept: keptFolder(place, context.command) };
	const writers = writerSteps(facts, context);
	return [
		...(place.exists ? [] : [createStep(facts, context)]),
		...(facts.undoes === undefined ? [unpackStep(facts, context), checkStep(facts, context)] : []),
		...writers.quiesce,
		setAsideStep(swap, facts, context),
		putInPlaceStep(swap, facts, context),
		...writers.resume,
		keepUndoStep(swap, facts, context),
	];
}

/** Makes a volume or a folder again that is gone, so that there is something to swap. */
function createStep({ place, labels }: SwapFacts, context: OperationContext): Step {
	const resource = parseResource(place.resource);
	const { command } = context;
	const isOurs = async (signal: AbortSignal): Promise<boolean> => {
		if (resource.kind === "path") return isFolder(place.folder);
		const engine = await requireEngine(context, signal);
		return (await engine.volume(resource.volume, signal))?.labels[commandLabel] === command;
	};
	return {
		name: "create",
		intent: { resource: place.resource, folder: place.folder },
		async run(signal) {
			if (resource.kind === "path") {
				await mkdir(place.folder, { mode: 0o700 });
				return undefined;
			}
			const engine = await requireEngine(context, signal);
			const { mountpoint } = await engine.createVolume({ name: resource.volume, labels, command }, signal);
			if (basename(dirname(mountpoint)) === basename(dirname(place.folder)) && (await isFolder(place.folder)))
				return undefined;
			throw new OperationError(
				"docker-refused",
				`${place.resource} was made in ${mountpoint}, not in ${place.folder}`,
			);
		},
		probe: async () => ((await isOurs(AbortSignal.timeout(60_000))) ? "complete" : "absent"),
		async undo() {
			const signal = AbortSignal.timeout(60_000);
			if (!(await isOurs(signal))) return;
			if (resource.kind === "path") return removeEmptyFolder(place.folder);
			await (await requireEngine(context, signal)).removeVolume(resource.volume, signal);
		},
	};
}

/** Leaves one in which somebody put something meanwhile. */
async function removeEmptyFolder(folder: string): Promise<void> {
	try {
		await rmdir(folder);
	} catch (error) {
		if (errnoOf(error) !== "ENOTEMPTY") throw error;
	}
}

function unpackStep({ archive, incoming }: SwapFacts, context: OperationContext): Step {
	return {
		name: "unpack",
		intent: { archive, into: incoming },
		async run(signal) {
			const { folder } = await context.archives.find(archive);
			const job = { kind: "unpack", archive: folder, target: incoming } as const;
			const unpacked = await runFileJob(job, { signal, onProgress: showProgress("unpack", context) });
			return { entries: unpacked.entries, losses: unpacked.losses };
		},
		probe: async () => ((await statOf(incoming)) === undefined ? "absent" : "partial"),
		undo: () => removeFolder(incoming),
	};
}

/** Reads back what was unpacked: after this nothing of the archive is needed. */
function checkStep({ archive, incoming }: SwapFacts, context: OperationContext): Step {
	return {
		name: "check",
		intent: { archive, folder: incoming },
		async run(signal) {
			const { folder } = await context.archives.find(archive);
			const job = { kind: "compare", wanted: { archive: folder }, root: incoming, exact: true } as const;
			const { replaces, adds, removes, examples } = await runFileJob(job, {
				signal,
				onProgress: showProgress("check", context),
			});
			// Only root can give files to others; then owners differ, and `losses` says so.
			const isExact = adds + removes === 0 && (replaces === 0 || process.geteuid?.() !== 0);
			if (isExact) return undefined;
			const [first] = [...examples.replaces, ...examples.adds, ...examples.removes];
			throw new OperationError(
				"archive-corrupt",
				`what was unpacked of archive ${archive} differs from it in ${replaces + adds + removes} entries, first ${first}`,
			);
		},
		probe: async () => "absent",
		undo: async () => undefined,
	};
}

function setAsideStep(swap: Swap, facts: SwapFacts, context: OperationContext): Step {
	return {
		name: "set-aside",
		intent: { from: swap.folder, to: swap.kept },
		async run(signal) {
			await refuseUsers(facts, context, signal);
			await setAside(swap);
			return { at: instantOf(context.now()) };
		},
		probe: () => presenceOfSetAside(swap),
		undo: () => bringForward(swap),
	};
}

function putInPlaceStep(swap: Swap, facts: SwapFacts, context: OperationContext): Step {
	return {
		name: "put-in-place",
		intent: { from: swap.incoming, to: swap.folder },
		commits: true,
		async run(signal) {
			await refuseUsers(facts, context, signal);
			await putInPlace(swap);
			return undefined;
		},
		probe: (): Promise<StepPresence> => presenceOfPutInPlace(swap),
		// It is one rename: what did not happen needs no undoing, and what happened commits.
		undo: async () => undefined,
	};
}

function keepUndoStep(swap: Swap, facts: SwapFacts, context: OperationContext): Step {
	const { command, undoPoints, config, now } = context;
	const { place, archive, treated, undoes } = facts;
	return {
		name: "keep-undo",
		intent: { folder: swap.kept },
		async run(signal) {
			const until = instantOf(now() + config.undoSeconds * 1000);
			const setAsideAt: Instant = instantOf((await statOf(swap.kept))?.ctimeMs ?? now());
			const downtimeSeconds = await measureDowntime(treated, context, signal);
			undoPoints.keep({
				...{ command, archive, until, resource: place.resource },
				place: { folder: swap.kept, setAsideAt, downtimeSeconds },
			});
			if (undoes !== undefined) undoPoints.drop(undoes);
			return { until, atMs: now() };
		},
		// Never complete: done again it does no harm, and the result needs what it says.
		probe: async () => (undoPoints.of(place.resource)?.command === command ? "partial" : "absent"),
		undo: async () => undoPoints.drop(command),
	};
}

/** A container that somebody started meanwhile would go on with data that is about to be moved. */
async function refuseUsers(
	{ place }: SwapFacts,
	{ engine }: OperationContext,
	signal: AbortSignal,
): Promise<void> {
	const users = await findAliveUsers(place, engine, signal);
	const user = users.find(({ writes, holds }) => writes || holds);
	if (user === undefined) return;
	throw new OperationError(
		"resource-in-use",
		`container ${user.container} was started while ${place.resource} was being replaced`,
		{ hint: `find out who starts ${user.container}, then make the plan again` },
	);
}

/** By the engine's own clock: from the end of each container to its start. */
async function measureDowntime(
	treated: readonly Treated[],
	context: OperationContext,
	signal: AbortSignal,
): Promise<number> {
	if (treated.length === 0) return 0;
	const engine = await requireEngine(context, signal);
	let longestMs = 0;
	for (const { id } of treated) {
		const found = await engine.container(id, signal);
		if (found === undefined) continue;
		longestMs = Math.max(longestMs, Date.parse(found.startedAt) - Date.parse(found.finishedAt));
	}
	return Math.round(longestMs / 100) / 10;
}
