import type {
	Handlers,
	Operation,
	OperationContext,
	Outcome,
	Reading,
	Step,
} from "@davit/agents/operation.ts";
import {
	Bytes,
	type CommandId,
	instantOf,
	OperationError,
	type OperationName,
	type Params,
	type PlanFacts,
	type ResourceId,
	resourceOf,
	Sha256,
} from "@davit/protocol";
import { archiveOf, type Place } from "./place.ts";
import { type Deed, type Effect, effectsOf } from "./toy-effects.ts";

/** Who carries a toy out: one life of a simulated agent. It may fail, wait, or die at any call and then never return. */
export interface Performer {
	place(resource: ResourceId): Place;
	/** Takes simulated time. */
	work(signal?: AbortSignal): Promise<void>;
	/** Dies here, perhaps. */
	brink(point: string): Promise<void>;
	/** @throws OperationError, perhaps */
	stumble(point: string, command: CommandId): void;
	/** Tells the auditor. */
	tell(event: ToyEvent): void;
}

export interface ToyEvent {
	readonly kind: "prepare" | "read" | "begin" | "commit" | "done" | "undo";
	readonly command: CommandId;
	readonly run: string;
	readonly resource: ResourceId;
	readonly step: string;
	/** The step is at or before the commit point: it may be begun once. */
	readonly isBeforeCommit: boolean;
}

interface Facts {
	readonly resource: ResourceId;
	readonly command: CommandId;
	readonly wanted: string;
	readonly preparedAtMs: number;
}

type Name = OperationName;
const noBytes = Bytes.parse(0);

/** Every operation of the catalogue as a toy on places in memory. */
export function toyHandlers(performer: Performer): Handlers {
	const backup = toy(performer, effectsOf.backup, {
		wanted: () => "",
		result: ({ command, preparedAtMs }): Outcome<"path.backup"> => ({
			state: preparedAtMs % 5 === 0 ? "partial" : "succeeded",
			result: {
				...{ archive: archiveOf(command), takenAt: instantOf(preparedAtMs), bytes: noBytes, entries: 1 },
				...{ contentBytes: noBytes, consistency: "paused", downtimeMs: 0, durationMs: 0, warnings: [] },
			},
		}),
	});
	const swap = toy(performer, effectsOf.swap, {
		wanted: (params, command) => `${"archive" in params ? params.archive : "what was before"} by ${command}`,
		result: ({ wanted, command, preparedAtMs }): Outcome<"path.restore"> => ({
			state: "succeeded",
			result: {
				...{ archive: archiveOf(command), undo: command, undoUntil: instantOf(preparedAtMs + 86_400_000) },
				...{ replaced: wanted.length, added: 0, removed: 0, downtimeMs: 0, durationMs: 0 },
			},
		}),
	});
	const prune = toy(performer, effectsOf.prune, {
		wanted: (params) => ("keepLast" in params ? String(params.keepLast ?? 1) : "1"),
		result: ({ wanted }): Outcome<"path.prune"> => ({
			state: "succeeded",
			result: { removed: [], kept: Number(wanted) },
		}),
	});
	const verify = readVerify(performer);
	const drill = readDrill(performer);
	const plan = readPlan(performer);
	const keep = { read: () => Promise.reject(new OperationError("unsupported", "the toy keeps no records")) };
	const copy = {
		read: (): Promise<never> => Promise.reject(new OperationError("unsupported", "the toy copies nothing")),
	};
	const look = {
		read: (): Promise<never> =>
			Promise.reject(new OperationError("unsupported", "the toy keeps no archives")),
	};
	return {
		...{ "path.browse": look, "path.diff": look, "volume.browse": look, "volume.diff": look },
		...{
			"path.get": look,
			"volume.get": look,
			"path.rescan": look,
			"repository.check": look,
			"repository.prune": look,
		},
		...{ "path.preview": look, "volume.preview": look, "stack.preview": look },
		...{ "path.backup": backup, "path.restore": swap, "path.undo": swap, "path.prune": prune },
		...{ "volume.backup": backup, "volume.restore": swap, "volume.undo": swap, "volume.prune": prune },
		"volume.copy": copy,
		...{ "stack.backup": backup, "stack.restore": swap, "stack.undo": swap, "stack.prune": prune },
		...{ "stack.verify": verify, "stack.plan": plan },
		...{ "path.verify": verify, "path.plan": plan, "volume.verify": verify, "volume.plan": plan },
		...{ "path.keep": keep, "volume.keep": keep, "stack.keep": keep },
		...{ "path.drill": drill, "volume.drill": drill, "stack.drill": drill },
	};
}

interface Toy<Of extends Name> {
	readonly wanted: (params: Params<Name>, command: CommandId) => string;
	readonly result: (facts: Facts) => Outcome<Of>;
}

function toy<Of extends Name>(
	performer: Performer,
	effects: readonly Effect[],
	{ wanted, result }: Toy<Of>,
): Operation<Name> & Operation<Of> {
	return {
		async prepare(params: Params<Name>, { command, run, now }: OperationContext, signal: AbortSignal) {
			const resource = resourceOf(params);
			performer.tell({ kind: "prepare", command, run, resource, step: "", isBeforeCommit: true });
			await performer.work(signal);
			performer.stumble("prepare", command);
			return { resource, command, wanted: wanted(params, command), preparedAtMs: now() };
		},
		steps(given, context) {
			// `prepare` above returned them.
			const facts = given as unknown as Facts;
			const commitAt = effects.findIndex(({ commits }) => commits === true);
			return effects.map((effect, number) =>
				stepOf(effect, { performer, facts, run: context.run, isBeforeCommit: number <= commitAt }),
			);
		},
		// As above. The toy's table gives each name the result that its catalogue entry describes.
		result: (facts) => result(facts as unknown as Facts) as Outcome<Name> & Outcome<Of>,
	};
}

interface Performing {
	readonly performer: Performer;
	readonly facts: Facts;
	readonly run: string;
	readonly isBeforeCommit: boolean;
}

function stepOf(effect: Effect, { performer, facts, run, isBeforeCommit }: Performing): Step {
	const { resource, command, wanted, preparedAtMs } = facts;
	const deed: Deed = { place: performer.place(resource), command, wanted, nowMs: preparedAtMs };
	const { name } = effect;
	const tell = (kind: ToyEvent["kind"]): void =>
		performer.tell({ kind, command, run, resource, step: name, isBeforeCommit });
	return {
		name,
		intent: { resource },
		...(effect.commits === true ? { commits: true } : {}),
		async run(signal) {
			tell("begin");
			await performer.work(signal);
			performer.stumble(`run ${name}`, command);
			const isThere = !isBeforeCommit && effect.probe(deed) === "complete";
			for (const half of isThere ? [] : effect.halves) {
				await performer.brink(`run ${name}`);
				half(deed);
			}
			if (effect.commits === true) tell("commit");
			await performer.brink(`ran ${name}`);
			performer.stumble(`ran ${name}`, command);
			tell("done");
			return { command };
		},
		async probe() {
			await performer.work();
			await performer.brink(`probe ${name}`);
			performer.stumble(`probe ${name}`, command);
			return effect.probe(deed);
		},
		async undo() {
			tell("undo");
			await performer.work();
			performer.stumble(`undo ${name}`, command);
			await performer.brink(`undo ${name}`);
			effect.undo(deed);
			await performer.brink(`undid ${name}`);
		},
	};
}

function readVerify(performer: Performer): Reading<"path.verify" | "volume.verify" | "stack.verify"> {
	return {
		async read(params, { command, run, now }, signal) {
			const resource = resourceOf(params);
			performer.tell({ kind: "read", command, run, resource, step: "", isBeforeCommit: true });
			await performer.work(signal);
			performer.stumble("read", command);
			const { archive } = params;
			const verifiedAt = instantOf(now());
			return {
				state: "succeeded",
				result: { archive, bytes: noBytes, entries: 1, verifiedAt, durationMs: 0 },
			};
		},
	};
}

function readDrill(performer: Performer): Reading<"path.drill" | "volume.drill" | "stack.drill"> {
	return {
		async read(params, { command, run, now }, signal) {
			const resource = resourceOf(params);
			performer.tell({ kind: "read", command, run, resource, step: "", isBeforeCommit: true });
			await performer.work(signal);
			performer.stumble("read", command);
			const archive = params.archive ?? archiveOf(command);
			const times = { drilledAt: instantOf(now()), restoreMs: 0, compareMs: 0, durationMs: 0 };
			return { state: "succeeded", result: { archive, entries: 1, contentBytes: noBytes, ...times } };
		},
	};
}

function readPlan(performer: Performer): Reading<"path.plan" | "volume.plan" | "stack.plan"> {
	return {
		async read(params, { command, run, now }, signal) {
			const resource = resourceOf(params);
			performer.tell({ kind: "read", command, run, resource, step: "", isBeforeCommit: true });
			await performer.work(signal);
			const { archives, aside } = performer.place(resource);
			const { action } = params;
			const [newest] = archives;
			if (newest === undefined) throw new OperationError("archive-not-found", `${resource} has no archive`);
			if (action.action === "undo" && aside.size === 0) {
				throw new OperationError("undo-not-found", `nothing of ${resource} was kept`);
			}
			const facts: PlanFacts = {
				...{ resource, action: action.action, contentAt: instantOf(now()), stops: [], blockers: [] },
				archive: action.action === "restore" ? action.archive : newest.id,
				...{ replaces: 1, adds: 0, removes: 0, examples: { replaces: [], adds: [], removes: [] } },
				...{ needsBytes: noBytes, freeBytes: noBytes, undoSeconds: 1, digest: Sha256.parse("0".repeat(64)) },
			};
			return { state: "succeeded", result: facts };
		},
	};
}
