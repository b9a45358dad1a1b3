import { createHash } from "node:crypto";
import { dirname } from "node:path";
import {
	Bytes,
	choiceIn,
	failureReport,
	OperationError,
	type PlanAction,
	type PlanFacts,
	type ResourceId,
	type RestoreChoice,
	Sha256,
} from "@davit/protocol";
import { engineAway } from "../docker/require-engine.ts";
import type { OperationContext } from "../operation.ts";
import { lackOfSpace } from "./check-space.ts";
import { chosenBytes, compareChoice } from "./compare-choice.ts";
import { findSource, type Source } from "./find-source.ts";
import { findUsersNow } from "./find-users.ts";
import { type Located, locate } from "./locate.ts";
import { newResource } from "./name-new.ts";
import { affectedContainers, planForSwap, type Treated } from "./plan-treatment.ts";
import { strangeHolder } from "./refuse-holders.ts";

export interface Survey {
	readonly plan: PlanFacts;
	readonly located: Located;
	readonly source: Source;
	readonly treated: readonly Treated[];
	/** Why it cannot run now, as it would be thrown. */
	readonly blockers: readonly OperationError[];
}

/**
 * Finds out all that a restore or an undo would do, and does nothing.
 * @throws OperationError archive-not-found | archive-foreign | archive-corrupt | undo-not-found | path-not-allowed | docker-unreachable
 */
export async function surveySwap(
	resource: ResourceId,
	action: PlanAction,
	{ context, signal }: { readonly context: OperationContext; readonly signal: AbortSignal },
): Promise<Survey> {
	const choice = action.action === "restore" ? choiceIn(action) : {};
	const original = await locate(resource, context, signal);
	const source = await findSource(original, action, { context, signal });
	const located =
		choice.as === undefined ? original : await locate(newResource(resource, choice.as), context, signal);
	const blockers = [...swapBlockers(located, choice)];
	const comparison = await compareChoice({ located, source, choice }, { context, signal });
	const isPart = choice.paths !== undefined || choice.merge === true;
	const besideBytes = isPart && source.isStored === true ? await chosenBytes(source, choice, signal) : 0;
	const needBytes = isPart ? comparison.wantedBytes + besideBytes : source.needBytes;
	const space = spaceOf(located, needBytes, context);
	if (space.lack !== undefined) blockers.push(space.lack);
	// The states of containers move fastest, so they are looked at last.
	const treated = choice.as === undefined ? await planUsers(located, { context, signal, blockers }) : [];
	const { replaces, adds, removes, examples } = comparison;
	const hasChoice = Object.keys(choice).length > 0;
	const certain = {
		...{ resource, action: action.action, archive: source.archive, identity: source.identity },
		...(hasChoice ? { choice } : {}),
		...{
			stops: affectedContainers(treated),
			target: located.sight.identity ?? "missing",
			replaces,
			adds,
			removes,
		},
	};
	const downtimeSeconds =
		choice.as === undefined ? context.undoPoints.of(resource)?.place["downtimeSeconds"] : 0;
	const plan: PlanFacts = {
		...{ resource, action: action.action, archive: source.archive, contentAt: source.contentAt },
		...(hasChoice ? { choice } : {}),
		...{ stops: certain.stops, replaces, adds, removes },
		examples: { replaces: [...examples.replaces], adds: [...examples.adds], removes: [...examples.removes] },
		needsBytes: Bytes.parse(needBytes),
		freeBytes: Bytes.parse(space.freeBytes),
		...(typeof downtimeSeconds === "number" ? { downtimeSeconds } : {}),
		undoSeconds: choice.as === undefined ? context.config.undoSeconds : 0,
		blockers: blockers.map(failureReport),
		digest: Sha256.parse(createHash("sha256").update(JSON.stringify(certain)).digest("hex")),
	};
	return { plan, located, source, treated, blockers };
}

export function swapBlockers(
	{ place, sight, whyNoSwap }: Located,
	{ as }: RestoreChoice,
): readonly OperationError[] {
	if (as !== undefined && (place.exists || sight.identity !== undefined)) {
		return [
			new OperationError(
				"resource-exists",
				`${place.resource} is there already, so nothing is restored as it`,
			),
		];
	}
	if (whyNoSwap === undefined) return [];
	const what = as === undefined ? "replaced as a whole" : "made";
	return [
		new OperationError("unsupported", `${place.resource} cannot be ${what}: ${whyNoSwap}`, {
			hint: "unpack the archive by hand: RESTORE.md in its folder says how",
		}),
	];
}

/** Who is stopped; who stands against it is a blocker: a container that may not be stopped, or a holder that nobody knows. */
async function planUsers(
	located: Located,
	{
		context,
		signal,
		blockers,
	}: {
		readonly context: OperationContext;
		readonly signal: AbortSignal;
		readonly blockers: OperationError[];
	},
): Promise<readonly Treated[]> {
	const { engine } = context;
	const away = engineAway(context);
	if (away !== undefined) {
		blockers.push(
			new OperationError("docker-unreachable", `${located.place.resource} cannot be replaced: ${away}`, {
				hint: "sudo systemctl start docker; where Docker is not used any more, set dockerSocket to null in the agent's configuration",
			}),
		);
	}
	try {
		const treated =
			engine === undefined
				? []
				: await planForSwap(await findUsersNow(located.place, engine, signal), { engine, signal });
		const holder = await strangeHolder({ ...located, treated }, { engine, signal });
		if (holder !== undefined) blockers.push(holder);
		return treated;
	} catch (error) {
		if (!(error instanceof OperationError) || error.code !== "resource-in-use") throw error;
		blockers.push(error);
		return [];
	}
}

function spaceOf(
	{ place, sight: { freeBytes } }: Located,
	needBytes: number,
	{ config }: OperationContext,
): { readonly freeBytes: number; readonly lack: OperationError | undefined } {
	const lack = lackOfSpace({
		...{ what: `the restored data of ${place.resource}`, path: dirname(place.folder), freeBytes, needBytes },
		// A rename needs no room, so an undo may always run.
		reserveBytes: needBytes === 0 ? 0 : config.minimumFreeBytes,
	});
	return { freeBytes, lack };
}
