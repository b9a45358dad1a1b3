import {
	Bytes,
	CopyResult,
	OperationError,
	parseResource,
	type ResourceId,
	resourceId,
	VolumeName,
} from "@davit/protocol";
import type { Operation, OperationContext } from "../operation.ts";
import { consistencyOf, notesOf, takenAt } from "../resource/archive-steps.ts";
import { lackOfSpace } from "../resource/check-space.ts";
import { hookWarningsOf, planHooks } from "../resource/hook-steps.ts";
import type { Located } from "../resource/locate.ts";
import { lookAtWriters } from "../resource/look-at-writers.ts";
import { newResource } from "../resource/name-new.ts";
import { policyOf } from "../resource/policy.ts";
import { type Reached, reachOf } from "../resource/reach-place.ts";
import { planSnapshot, snapshotOf } from "../resource/snapshot-steps.ts";
import { downtimeOf, warningsOf } from "../resource/writer-steps.ts";
import { Copied, type CopyFacts, copySteps, Settled } from "./copy-steps.ts";
import { locateVolume } from "./locate-volume.ts";

/**
 * Makes a new volume that holds what a volume holds at one moment, with all metadata. Its writers are treated as for a backup. A
 * failure leaves no new volume, and the writers as they were.
 */
export const copyVolume: Operation<"volume.copy", CopyFacts> = {
	async prepare(params, context, signal) {
		const resource = resourceId({ kind: "volume", volume: params.volume });
		const target = newResource(resource, params.as);
		const located = await locateVolume(params.volume, context, signal);
		if (!located.place.exists) {
			throw new OperationError(
				"volume-not-found",
				`volume ${params.volume} cannot be copied: the engine has none`,
			);
		}
		const into = await locateNew(target, context, signal);
		refuseBlind(located, into);
		const { contentBytes } = await requireSpace(located, into, { context, signal });
		const hooks = await planHooks(located, undefined, { context, signal });
		const policy = policyOf(resource, located.labels, context.config);
		const snapshot = await planSnapshot(located, policy, { context, signal });
		const copying = { located, snapshot, isForced: false, doing: "copied" } as const;
		const object = (blocker: OperationError) => {
			throw blocker;
		};
		const writers = await lookAtWriters(copying, { context, signal, object });
		const { command } = context;
		return { ...located, ...hooks, ...snapshot, ...writers, target: into.place, contentBytes, command };
	},
	steps: copySteps,
	result(facts, outputs) {
		const { entries, contentBytes, sharedBytes, sockets, losses, warnings } = Copied.parse(
			outputs.get("copy"),
		);
		// Missing where the agent ended between its last step and writing that down.
		const settled = Settled.safeParse(outputs.get("settle"));
		const endedAtMs = settled.success ? settled.data.atMs : facts.startedAtMs;
		const all = [...warningsOf(outputs), ...hookWarningsOf(outputs), ...losses, ...warnings].slice(0, 50);
		const left = sockets === 0 ? [] : [`sockets, of which there were ${sockets}, were left out`];
		const result = CopyResult.parse({
			...{ as: facts.target.resource, takenAt: takenAt(facts), entries, contentBytes, sharedBytes },
			...{ consistency: consistencyOf(facts, outputs), downtimeMs: downtimeOf(outputs), warnings: all },
			durationMs: Math.max(0, Math.round(endedAtMs - facts.startedAtMs)),
			...notesOf(facts, [...snapshotOf(outputs).notes, ...left]),
		});
		return { state: all.length === 0 ? "succeeded" : "partial", result };
	},
};

/** @throws OperationError resource-exists */
async function locateNew(
	resource: ResourceId,
	context: OperationContext,
	signal: AbortSignal,
): Promise<Located> {
	const parsed = parseResource(resource);
	if (parsed.kind !== "volume") throw new TypeError(`${resource} is no volume`);
	const located = await locateVolume(VolumeName.parse(parsed.volume), context, signal);
	if (!located.place.exists) return located;
	throw new OperationError(
		"resource-exists",
		`volume ${parsed.volume} is there already, so nothing is copied into it`,
	);
}

/** Through the engine's own archives a volume can be read, and a new one not be filled exactly. */
function refuseBlind(from: Located, into: Located): void {
	const blind = [from, into].find(({ dataPath }) => dataPath === "archive-api");
	if (blind === undefined) return;
	throw new OperationError(
		"unsupported",
		`${from.place.resource} cannot be copied: ${blind.place.resource} is out of reach, because ${blind.whyNoSwap}`,
		{ hint: "run the agent as root, or let it use helper containers" },
	);
}

/** As if nothing were shared: whether the file system can is known only once it has. */
async function requireSpace(
	located: Located,
	into: Located,
	{ context, signal }: { readonly context: OperationContext; readonly signal: AbortSignal },
): Promise<{ readonly contentBytes: Bytes }> {
	const { place } = located;
	const reached: Reached = located;
	const job = { kind: "measure", root: place.folder } as const;
	const { contentBytes } = await reachOf(reached, context).do(job, { signal });
	const lack = lackOfSpace({
		...{ what: `the copy of ${place.resource}`, path: into.place.folder, needBytes: contentBytes },
		...{ freeBytes: into.sight.freeBytes, reserveBytes: context.config.minimumFreeBytes },
	});
	if (lack !== undefined) throw lack;
	return { contentBytes: Bytes.parse(contentBytes) };
}
