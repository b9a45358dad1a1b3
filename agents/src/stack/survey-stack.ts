import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { dirname } from "node:path";
import {
	Bytes,
	failureReport,
	OperationError,
	type PlanAction,
	type PlanFacts,
	type ProjectName,
	type ResourceId,
	resourceId,
	Sha256,
} from "@davit/protocol";
import type { Engine } from "../docker/engine.ts";
import { requireEngine } from "../docker/require-engine.ts";
import type { OperationContext } from "../operation.ts";
import { lackOfSpace } from "../resource/check-space.ts";
import { compareChoice } from "../resource/compare-choice.ts";
import { findUsersOf, surveyNow } from "../resource/find-users.ts";
import { type Located, locate } from "../resource/locate.ts";
import { isFolder, keptFolder, newFolder, parsePlaced } from "../resource/place.ts";
import { affectedContainers, planForSwap, type Treated } from "../resource/plan-treatment.ts";
import { swapBlockers } from "../resource/survey-swap.ts";
import type { SwapFacts } from "../resource/swap-steps.ts";
import { addExamples, compareFiles, type Difference, differences, findLacking } from "./compare-project.ts";
import { type Coming, ofArchive, ofKept } from "./find-coming.ts";
import { findStacks } from "./find-stacks.ts";
import { whyNotAllowed } from "./locate-stack.ts";
import { partArchive } from "./part-facts.ts";
import { findCompose } from "./run-compose.ts";
import { type StackSwap, surveyFolder } from "./swap-facts.ts";

export interface StackSurvey {
	readonly plan: PlanFacts;
	readonly facts: Omit<StackSwap, "command" | "startedAtMs">;
	readonly blockers: readonly OperationError[];
}

interface Surveying {
	readonly context: OperationContext;
	readonly signal: AbortSignal;
}

/**
 * Finds out all that a restore or an undo of a stack would do, and does nothing to it.
 * @throws OperationError archive-not-found | archive-foreign | archive-corrupt | undo-not-found | docker-unreachable
 */
export async function surveyStack(
	stack: ProjectName,
	action: PlanAction,
	surveying: Surveying,
): Promise<StackSurvey> {
	const { context } = surveying;
	const resource = resourceId({ kind: "stack", stack });
	const scratch = surveyFolder(context.config, context.command);
	await using _scratch = { [Symbol.asyncDispose]: () => rm(scratch, { recursive: true, force: true }) };
	const coming =
		action.action === "restore"
			? await ofArchive(resource, action.archive, { ...surveying, scratch })
			: ofKept(resource, context);
	// Awaited here: what was unpacked goes when this function ends.
	return await survey({ resource, action, coming }, surveying);
}

async function survey(
	{ resource, action, coming }: Surveyed,
	{ context, signal }: Surveying,
): Promise<StackSurvey> {
	const engine = await requireEngine(context, signal);
	const blockers = [...coming.blockers, ...(await projectBlockers(coming, context))];
	const { located, difference } = await compareAll(coming, blockers, { context, signal });
	const room = checkRoom({ resource, action, coming }, located, context);
	if (room.lack !== undefined) blockers.push(room.lack);
	// The states of containers move fastest, so they are looked at last.
	const treated = await treat(located, { engine, signal, blockers });
	const stacks = findStacks(await engine.containers(signal));
	const present = stacks.find(({ project }) => project === coming.project.project);
	const { examples, ...counts } = difference;
	const { archive, contentAt, identity } = coming;
	const targets = located.map(({ sight }) => sight.identity ?? "missing");
	const stops = affectedContainers(treated);
	const certain = { resource, action: action.action, archive, identity, stops, targets, ...counts };
	const plan: PlanFacts = {
		...{ resource, action: action.action, archive, contentAt, stops, ...counts, examples },
		...{ needsBytes: Bytes.parse(room.needBytes), freeBytes: Bytes.parse(room.freeBytes) },
		...{ undoSeconds: context.config.undoSeconds, blockers: blockers.map(failureReport) },
		digest: Sha256.parse(createHash("sha256").update(JSON.stringify(certain)).digest("hex")),
	};
	const { configFiles: files, ...project } = coming.project;
	const folders = located.map(({ place }) => place).filter((place) => parsePlaced(place).kind === "path");
	const facts = {
		...{
			resource,
			archive,
			treated,
			project: { ...project, files },
			paths: coming.paths,
			goesUp: coming.goesUp,
		},
		parts: located.map((one, index) => swapOf(one, coming, { index, treated, context })),
		...(coming.undoes === undefined ? {} : { undoes: coming.undoes }),
		missingFolders: await findMissing([...coming.paths, ...folders.map(({ folder }) => folder)]),
		...(await findLacking(coming, { engine, signal })),
		...{ containers: present?.containers.map(({ id }) => id) ?? [], wasUp: present !== undefined },
		counts: { replaced: counts.replaces, added: counts.adds, removed: counts.removes },
	};
	return { plan, facts, blockers };
}

interface Surveyed {
	readonly resource: ResourceId;
	readonly action: PlanAction;
	readonly coming: Coming;
}

async function compareAll(
	coming: Coming,
	blockers: OperationError[],
	surveying: Surveying,
): Promise<{ readonly located: readonly Located[]; readonly difference: Difference }> {
	const difference: Difference = {
		replaces: 0,
		adds: 0,
		removes: 0,
		examples: { replaces: [], adds: [], removes: [] },
	};
	const located: Located[] = [];
	for (const { resource, source } of coming.parts) {
		const one = await locate(resource, surveying.context, surveying.signal);
		located.push(one);
		// Of what is gone, the folder above it is made first.
		if (one.place.exists) blockers.push(...swapBlockers(one, {}));
		const found = await compareChoice({ located: one, source, choice: {} }, surveying);
		for (const key of differences) {
			difference[key] += found[key];
			addExamples(
				difference,
				key,
				found.examples[key].map((name) => `${resource} ${name}`),
			);
		}
	}
	await compareFiles(coming, difference);
	return { located, difference };
}

function checkRoom(
	{ resource, coming }: Surveyed,
	located: readonly Located[],
	{ config }: OperationContext,
) {
	const needBytes = coming.parts.reduce((sum, { source }) => sum + source.needBytes, 0);
	const [first] = located;
	if (first === undefined) return { needBytes, freeBytes: 0, lack: undefined };
	const freeBytes = Math.min(...located.map(({ sight }) => sight.freeBytes));
	const lack = lackOfSpace({
		...{ what: `the restored data of ${resource}`, path: dirname(first.place.folder), needBytes, freeBytes },
		// A rename needs no room, so an undo may always run.
		reserveBytes: needBytes === 0 ? 0 : config.minimumFreeBytes,
	});
	return { needBytes, freeBytes, lack };
}

async function projectBlockers(
	{ project, paths, goesUp }: Coming,
	{ config }: OperationContext,
): Promise<OperationError[]> {
	const blockers: OperationError[] = [];
	if (goesUp && (await findCompose(config)) === undefined) {
		blockers.push(
			new OperationError(
				"compose-missing",
				`stack ${project.project} cannot be started: this host has no Docker Compose 2`,
			),
		);
	}
	for (const path of paths) {
		const why = await whyNotAllowed(path, config);
		if (why !== undefined)
			blockers.push(
				new OperationError("path-not-allowed", `stack ${project.project} cannot be put back: ${why}`, {
					hint: `add ${dirname(path)} to folders in the agent's configuration`,
				}),
			);
	}
	return blockers.slice(0, 5);
}

async function treat(
	located: readonly Located[],
	{
		engine,
		signal,
		blockers,
	}: { readonly engine: Engine; readonly signal: AbortSignal; readonly blockers: OperationError[] },
): Promise<readonly Treated[]> {
	try {
		const places = located.map(({ place }) => place);
		const users = findUsersOf(places, await surveyNow(engine, signal));
		return await planForSwap(users, { engine, signal });
	} catch (error) {
		if (!(error instanceof OperationError) || error.code !== "resource-in-use") throw error;
		blockers.push(error);
		return [];
	}
}

function swapOf(
	{ place, dataPath }: Located,
	coming: Coming,
	{
		index,
		treated,
		context,
	}: { readonly index: number; readonly treated: readonly Treated[]; readonly context: OperationContext },
): SwapFacts {
	const { source, part } = coming.parts[index] ?? {};
	if (source === undefined) throw new TypeError("a part of no stack");
	const { kept } = source;
	const { command } = context;
	const name = partArchive(command, place.resource);
	return {
		...{ place, dataPath, archive: coming.archive, startedAtMs: 0, treated, labels: source.labels },
		incoming: kept?.folder ?? newFolder(place, command, name),
		kept: keptFolder(place, command, name),
		...(part === undefined ? {} : { part }),
		...(kept === undefined ? {} : { undoes: kept.command }),
		...{ replaced: 0, added: 0, removed: 0 },
	};
}

async function findMissing(paths: readonly string[]): Promise<string[]> {
	const missing = new Set<string>();
	for (const path of paths) {
		for (let folder = dirname(path); folder !== "/" && !(await isFolder(folder)); folder = dirname(folder))
			missing.add(folder);
	}
	return [...missing].sort();
}
