import {
	type CommandId,
	type FailureReport,
	type Logger,
	OperationError,
	type OperationName,
	type Progress,
	type ResourceId,
	type RunId,
} from "@davit/protocol";
import type { Reports } from "../core/reports.ts";
import type { Journal } from "../journal/journal.ts";
import { unlock } from "../journal/locks.ts";
import { type Accepted, countLoad, findOperation, forgiveLoads, setPhase } from "../journal/operations.ts";
import { begunSteps } from "../journal/steps.ts";
import { type Handlers, isReading, type Operation, type OperationContext } from "../operation.ts";
import { answerCancels } from "./answer-cancels.ts";
import { holdWhenFree } from "./hold-when-free.ts";
import { interruptedFailure, type Wait } from "./persist.ts";
import { recoverSteps } from "./recover-steps.ts";
import { runSteps } from "./run-steps.ts";
import { type Ending, failed, reasonOf, type Work } from "./work.ts";

/** What of an operation's context belongs to one command. */
export interface Given {
	readonly command: CommandId;
	readonly run: RunId;
	readonly progress: (progress: Progress) => void;
	readonly hold: OperationContext["hold"];
}

export interface RunnerOptions {
	readonly journal: Journal;
	readonly handlers: Handlers;
	readonly reports: Reports;
	readonly contextFor: (given: Given) => OperationContext;
	/** Milliseconds that only go forward, whatever is done to the clock. */
	readonly elapsedMs: () => number;
	readonly wait: Wait;
	readonly log: Logger;
	/** Something is to be seen of an operation on this resource. */
	readonly onActivity: (resource: ResourceId) => void;
	/** A defect, or a journal that cannot be written: the agent must end. */
	readonly onFatal: (error: unknown) => void;
}

interface Running {
	readonly accepted: Accepted;
	readonly controller: AbortController;
	readonly deadlineMs: number;
	readonly done: Promise<void>;
	progress: Progress | undefined;
}

/** The operations that are under way in this life of the agent. */
export class Runner {
	readonly #options: RunnerOptions;
	readonly #running = new Map<CommandId, Running>();
	readonly #closing = new AbortController();
	readonly #leaving = new AbortController();

	constructor(options: RunnerOptions) {
		this.#options = options;
	}

	/** Begins what was accepted. */
	begin(accepted: Accepted): void {
		const { journal, handlers } = this.#options;
		journal.write("start", (database) => setPhase(database, accepted.command, "started"));
		const handler = handlers[accepted.operation];
		this.#launch(accepted, (work) => (isReading(handler) ? this.#read(work) : runSteps(work)));
	}

	/** Takes up what an earlier life began: forward or back, without asking anybody. */
	recover(left: Accepted): void {
		const { journal, handlers } = this.#options;
		const accepted = journal.write("load", (database) => {
			countLoad(database, left.command);
			return findOperation(database, left.command) ?? left;
		});
		const isRead = isReading(handlers[accepted.operation]);
		this.#launch(accepted, async (work) => (isRead ? failed(interruptedFailure) : recoverSteps(work)));
	}

	/** Ends what was accepted and never begun. */
	refuse(accepted: Accepted, failure: FailureReport): void {
		this.#end(accepted, { state: failure.code === "cancelled" ? "cancelled" : "rejected", failure });
	}

	/** Before its commit point it will be undone; after it this changes nothing. */
	cancel(command: CommandId): void {
		const running = this.#running.get(command);
		running?.controller.abort(
			new OperationError("cancelled", `${describe(running.accepted)} was cancelled before it was done`),
		);
	}

	isPastCommit(command: CommandId): boolean {
		return this.#options.journal
			.read((database) => begunSteps(database, command))
			.some(({ commits, state }) => commits && state === "done");
	}

	progressOf(command: CommandId): Progress | undefined {
		return this.#running.get(command)?.progress;
	}

	/** Gives up what is past its deadline. */
	tick(): void {
		const nowMs = this.#options.elapsedMs();
		for (const { accepted, controller, deadlineMs } of this.#running.values()) {
			if (nowMs < deadlineMs || controller.signal.aborted) continue;
			controller.abort(
				new OperationError(
					"deadline-passed",
					`${describe(accepted)} was not done within ${accepted.deadlineSeconds} s`,
				),
			);
		}
	}

	/** Resolves when nothing is under way. */
	async idle(): Promise<void> {
		while (this.#running.size > 0) await Promise.all([...this.#running.values()].map(({ done }) => done));
	}

	/** Undoes or finishes what is under way, and resolves when that is done; what waits for an engine is left to the next life. */
	async close(): Promise<void> {
		this.#leaving.abort(new OperationError("interrupted", "the agent was stopped"));
		for (const { accepted, controller } of this.#running.values()) {
			controller.abort(
				new OperationError("interrupted", `the agent was stopped in the middle of ${describe(accepted)}`),
			);
		}
		await this.idle();
	}

	/** Begins nothing more, not even an undo; the journal has what the next life needs. */
	abandon(reason: unknown): void {
		this.#closing.abort(reason);
		this.#leaving.abort(reason);
		for (const { controller } of this.#running.values()) controller.abort(reason);
	}

	#launch(accepted: Accepted, carryOut: (work: Work) => Promise<Ending>): void {
		const controller = new AbortController();
		const deadlineMs = this.#options.elapsedMs() + accepted.deadlineSeconds * 1_000;
		const work = this.#workOf(accepted, controller.signal);
		this.#options.log.info(
			{ command: accepted.command, operation: accepted.operation, resource: accepted.resource },
			accepted.loads === 0 ? "operation started" : "operation taken up after a restart",
		);
		const done = Promise.resolve()
			.then(() => carryOut(work))
			.then((ending) => this.#end(accepted, ending))
			.catch((error: unknown) => {
				// Nobody waits for the outcome any more: the next life reads it from the journal.
				const isLeft = this.#closing.signal.aborted || error === this.#leaving.signal.reason;
				if (!isLeft) this.#options.onFatal(error);
			})
			.finally(() => this.#running.delete(accepted.command));
		this.#running.set(accepted.command, { accepted, controller, deadlineMs, done, progress: undefined });
		this.#options.onActivity(accepted.resource);
	}

	#workOf(accepted: Accepted, signal: AbortSignal): Work {
		const { command, run, operation } = accepted;
		const progress = (next: Progress): void => this.#tell(accepted, next);
		const doneOf = (other: CommandId) => this.#running.get(other)?.done;
		const onWait = () => progress({ step: "wait", bytes: 0 });
		const { journal } = this.#options;
		const hold = (parts: readonly ResourceId[]) =>
			holdWhenFree(accepted, parts, { journal, signal, doneOf, onWait });
		return {
			accepted,
			// Asked of `Runner.begin` and `recover`, which know readings apart; and the parameters were parsed for this operation.
			handler: this.#options.handlers[operation] as Operation<OperationName>,
			context: () => this.#options.contextFor({ command, run, progress, hold }),
			...{ journal, signal },
			closing: this.#closing.signal,
			leaving: this.#leaving.signal,
			wait: this.#options.wait,
			onStep: (step) => progress({ step, bytes: 0 }),
			onAway: ({ message }) => {
				const step = this.progressOf(command)?.step ?? "undo";
				progress({ step, bytes: 0, waitingFor: message.slice(0, 300) });
			},
		};
	}

	#tell(accepted: Accepted, progress: Progress): void {
		const running = this.#running.get(accepted.command);
		if (running === undefined || this.#closing.signal.aborted) return;
		running.progress = progress;
		this.#forgive(accepted, progress);
		const isSaid = this.#options.reports.progress(accepted.command, accepted.run, progress);
		if (isSaid) this.#options.onActivity(accepted.resource);
	}

	/** However often the agent ends while an engine is waited for: the operation is not to blame. */
	#forgive({ command, loads }: Accepted, { waitingFor }: Progress): void {
		if (waitingFor === undefined || loads === 0) return;
		this.#options.journal.write("away", (database) => forgiveLoads(database, command));
	}

	async #read({ accepted, context, signal }: Work): Promise<Ending> {
		const handler = this.#options.handlers[accepted.operation];
		if (!isReading(handler)) throw new Error(`${accepted.operation} is no reading`);
		try {
			// The parameters were parsed by the catalogue's schema of this very operation.
			return await handler.read(accepted.params as never, context(), signal);
		} catch (error) {
			return failed(reasonOf(error, signal));
		}
	}

	#end(accepted: Accepted, ending: Ending): void {
		const { journal, reports, log, onActivity } = this.#options;
		if (this.#closing.signal.aborted) return;
		const { command, operation, resource } = accepted;
		journal.write("end", (database) => {
			setPhase(database, command, "ended");
			// What nobody can tell the state of stays locked until a person has looked.
			if (ending.state !== "inconsistent") unlock(database, command);
			reports.write(database, command, ending);
			answerCancels(database, command, { state: ending.state, reports });
		});
		reports.flush();
		reports.forgetPace(command);
		const { failure } = ending;
		const context = { command, operation, resource, state: ending.state };
		if (failure === undefined) log.info(context, "operation ended");
		else if (failure.code === "internal-error" || ending.state === "inconsistent") {
			log.error({ ...context, failure }, "operation ended badly");
		} else log.warn({ ...context, failure }, "operation ended without success");
		onActivity(resource);
	}
}

function describe({ operation, resource }: Accepted): string {
	return `${operation} of ${resource}`;
}
