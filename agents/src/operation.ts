import type {
	ArchiveId,
	CommandId,
	HostName,
	Logger,
	OperationName,
	Params,
	Progress,
	ResourceId,
	Result,
	RunId,
	SiteName,
} from "@davit/protocol";
import type { Archives } from "./archives/archives.ts";
import type { AgentConfig } from "./config.ts";
import type { Engine } from "./docker/engine.ts";
import type { UndoPoints } from "./undo-points.ts";

/** What an operation is given. Everything it makes outside the archives' folder carries `command`. */
export interface OperationContext {
	readonly site: SiteName;
	readonly host: HostName;
	readonly command: CommandId;
	readonly run: RunId;
	readonly config: AgentConfig;
	/** Undefined where no engine answers. */
	readonly engine: Engine | undefined;
	readonly archives: Archives;
	readonly undoPoints: UndoPoints;
	/** Milliseconds since 1970; tests own it. */
	readonly now: () => number;
	readonly log: Logger;
	/** Thrown away when called more than once a second, except when the step changes. */
	readonly progress: (progress: Progress) => void;
	/**
	 * For `prepare`: waits until nothing else is at work on the data of these resources, and holds all of them until the operation has
	 * ended, in later lives of the agent too. Of a stack, its volumes and folders.
	 * @throws OperationError resource-busy where that may take for ever
	 */
	readonly hold: (parts: readonly ResourceId[]) => Promise<void>;
	/** Shows anew which archives there are; absent where nobody is shown anything. */
	readonly showArchives?: () => Promise<void>;
}

export type StepPresence = "absent" | "partial" | "complete";

/**
 * One effect. Its name and intent are committed before `run`, its output after. All three functions may be called again after a
 * crash, by a process that knows only what `Operation.prepare` returned: they look at the world, not at memory.
 */
export interface Step {
	readonly name: string;
	/** What will be done, on what; for the journal and for a person who reads it. */
	readonly intent: Readonly<Record<string, unknown>>;
	/** After this one is complete the operation only goes forward. */
	readonly commits?: boolean;
	/** Its undo lets services go and needs nothing of what was undone before it: it comes even where that could not be undone. */
	readonly releases?: boolean;
	run(signal: AbortSignal): Promise<Readonly<Record<string, unknown>> | undefined>;
	probe(): Promise<StepPresence>;
	/** Brings back what was before; harmless when the step never ran. */
	undo(): Promise<void>;
}

/**
 * An operation as steps. `prepare` has no effect and returns JSON: the facts that are committed before the first step, from
 * which `steps` and `result` are derived, now or after a restart.
 */
export interface Operation<Name extends OperationName, Facts = Readonly<Record<string, unknown>>> {
	prepare(params: Params<Name>, context: OperationContext, signal: AbortSignal): Promise<Facts>;
	steps(facts: Facts, context: OperationContext): readonly Step[];
	/**
	 * `outputs` holds what each step's `run` returned, by the step's name; after a restart too. A step that a crash or an error
	 * hid, and whose probe then said `complete`, has none.
	 */
	result(facts: Facts, outputs: ReadonlyMap<string, Readonly<Record<string, unknown>>>): Outcome<Name>;
}

export interface Outcome<Name extends OperationName> {
	readonly state: "succeeded" | "partial";
	readonly result: Result<Name>;
}

/** An operation without an effect on its resource: nothing to undo, run again or given up after a crash. */
export interface Reading<Name extends OperationName> {
	read(params: Params<Name>, context: OperationContext, signal: AbortSignal): Promise<Outcome<Name>>;
}

export type Handler<Name extends OperationName> = Operation<Name> | Reading<Name>;

/** What carries out each operation of the catalogue. */
export type Handlers = { readonly [Name in OperationName]: Handler<Name> };

export function isReading(handler: Handlers[OperationName]): handler is Reading<OperationName> {
	return "read" in handler;
}

/** The archive that a command makes; the same command always makes the same. */
export type ArchiveOf = (command: CommandId) => ArchiveId;
