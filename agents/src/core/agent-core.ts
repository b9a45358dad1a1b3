import { createHash, type KeyObject } from "node:crypto";
import {
	type Activity,
	type Command,
	failureReport,
	type HostName,
	instantOf,
	OperationError,
	openCommand,
	operations,
	type ResourceId,
	type SiteName,
	type Sync,
	topicsOf,
	type WelcomeCommand,
} from "@davit/protocol";
import type { Message } from "@davit/protocol/mqtt";
import { openEntries } from "../journal/inbox.ts";
import { seeCoordinatorEpoch } from "../journal/journal.ts";
import { type Accepted, openOperations, seeFence, seenFence } from "../journal/operations.ts";
import { Runner, type RunnerOptions } from "../running/runner.ts";
import { newestActivity } from "./activity.ts";
import type { Standing } from "./judge-run.ts";
import { type Reception, receiveCancel, receiveRun } from "./receive.ts";
import { Reports } from "./reports.ts";

const firstSyncPauseMs = 2_000;
const longestSyncPauseMs = 60_000;
const warnedSkewMs = 60_000;
/** What the sync message has room for. */
const openAtMost = 500;

export interface CoreOptions extends Omit<RunnerOptions, "reports"> {
	readonly site: SiteName;
	readonly host: HostName;
	readonly coordinatorKey: KeyObject;
	/** Milliseconds since 1970, by this host's clock. */
	readonly now: () => number;
	/** Nothing is lost for good when this loses it. */
	readonly send: (topic: string, payload: string) => void;
	/** For whom archives are to be encrypted from now on. */
	readonly trust?: (recipients: readonly string[]) => void;
}

/**
 * What an agent is without network, timers and clock: it takes messages, keeps its word in the journal and sends messages.
 * Everything but the operations themselves is synchronous.
 */
export class AgentCore {
	readonly #options: CoreOptions;
	readonly #reports: Reports;
	readonly #runner: Runner;
	/** Of the present connection, or the last one. */
	#session: string | undefined;
	#isWelcome = false;
	#clockOffsetMs: number | undefined;
	#nextSync = { dueMs: Number.POSITIVE_INFINITY, pauseMs: firstSyncPauseMs };

	constructor(options: CoreOptions) {
		this.#options = options;
		const { host, site, journal, now, elapsedMs, send } = options;
		const topic = topicsOf(site).report(host);
		this.#reports = new Reports({ host, journal, now, elapsedMs, send: (report) => send(topic, report) });
		this.#runner = new Runner({ ...options, reports: this.#reports });
	}

	/** Decides, alone, about everything that an earlier life left open. */
	start(): void {
		for (const left of this.#openOperations()) {
			if (left.phase !== "accepted") this.#runner.recover(left);
			else if (!this.#isLate(left) && !isDangerous(left)) this.#runner.begin(left);
		}
		this.#refuseLate();
	}

	/**
	 * Takes what came on the command topic. When it returns, what must not be forgotten is on the disk and the broker may be
	 * answered. A throw means that the journal cannot be written.
	 */
	receive(message: Message): void {
		const command = this.#open(message);
		if (command === undefined) return;
		const reception = this.#reception(message);
		if (command.kind === "run") receiveRun(command, reception);
		else if (command.kind === "cancel") receiveCancel(command, reception);
		else if (command.kind === "receipt") this.#reports.receipt(command.command, command.sequence);
		else this.#greeted(command);
	}

	/** After each connect, under a session id that was never used before. */
	connected(session: string): void {
		this.#session = session;
		this.coordinatorCame();
	}

	/** The coordinator began a new life: it has to greet again, and may have lost what was said before. */
	coordinatorCame(): void {
		if (this.#session === undefined) return;
		this.#isWelcome = false;
		this.#nextSync = { dueMs: this.#options.elapsedMs(), pauseMs: firstSyncPauseMs };
		this.#syncWhenDue();
		this.#reports.reconnected();
	}

	/** To be called about once a second: sends again what was not answered, and gives up what is too late. */
	tick(): void {
		this.#runner.tick();
		this.#refuseLate();
		this.#syncWhenDue();
		this.#reports.flush();
	}

	/** The newest operation on a resource, under way or ended; looking at plans does not count. */
	activityOf(resource: ResourceId): Activity | null {
		const { journal } = this.#options;
		return journal.read((database) => newestActivity(database, resource, this.#runner));
	}

	/** Resolves when no operation is under way. */
	idle(): Promise<void> {
		return this.#runner.idle();
	}

	/** Undoes or finishes what is under way. */
	close(): Promise<void> {
		return this.#runner.close();
	}

	/** Begins nothing more: the process is about to end, or in a test has ended. */
	abandon(reason: unknown): void {
		this.#runner.abandon(reason);
	}

	/** Undefined where it cannot be believed, which was then said. */
	#open(message: Message): Command | undefined {
		const { coordinatorKey, site, host, log } = this.#options;
		try {
			if (message.retain) {
				throw new OperationError("command-retained", `a retained command on ${message.topic} was dropped`);
			}
			return openCommand(message.payload, { publicKey: coordinatorKey, site, host });
		} catch (error) {
			if (!(error instanceof OperationError)) throw error;
			log.warn({ code: error.code, reason: error.message }, "message dropped");
			this.#reports.alarm(error);
			return undefined;
		}
	}

	#reception({ payload }: Message): Reception {
		return {
			journal: this.#options.journal,
			reports: this.#reports,
			runner: this.#runner,
			standing: this.#standing(),
			receivedAtMs: this.#options.now(),
			sha256: createHash("sha256").update(payload).digest("hex"),
		};
	}

	#standing(): Standing {
		const { handlers, journal, now } = this.#options;
		return {
			handlers,
			coordinatorEpoch: journal.coordinatorEpoch,
			coordinatorNowMs: now() + (this.#clockOffsetMs ?? 0),
			clockOffsetMs: this.#clockOffsetMs,
			isWelcome: this.#isWelcome,
		};
	}

	#greeted({ session, epoch, fences, issuedAt, recoveryRecipients }: WelcomeCommand): void {
		const { journal, log, now } = this.#options;
		// An answer to an earlier session, or of an earlier coordinator, is old news.
		if (session !== this.#session || epoch < journal.coordinatorEpoch) return;
		if (recoveryRecipients !== undefined) this.#options.trust?.(recoveryRecipients);
		this.#clockOffsetMs = Date.parse(issuedAt) - now();
		if (Math.abs(this.#clockOffsetMs) > warnedSkewMs) {
			log.warn({ clockOffsetMs: this.#clockOffsetMs }, "clock differs from the coordinator's");
		}
		if (this.#isWelcome) return;
		journal.write("welcome", (database) => {
			seeCoordinatorEpoch(database, epoch);
			for (const [resource, fence] of Object.entries(fences)) seeFence(database, resource, fence);
		});
		this.#isWelcome = true;
		this.#nextSync = { dueMs: Number.POSITIVE_INFINITY, pauseMs: firstSyncPauseMs };
		this.#refuseLate();
		for (const held of this.#openOperations()) if (held.phase === "accepted") this.#beginHeld(held);
	}

	/** What was accepted in an earlier life waited for this greeting. */
	#beginHeld(held: Accepted): void {
		const seen = this.#options.journal.read((database) => seenFence(database, held.resource));
		if (isDangerous(held) && held.fence < seen) {
			const failure = new OperationError(
				"fence-stale",
				`${held.operation} of ${held.resource} has fence ${held.fence}, and the coordinator has given ${seen}`,
			);
			this.#runner.refuse(held, failureReport(failure));
		} else this.#runner.begin(held);
	}

	#refuseLate(): void {
		for (const held of this.#openOperations()) {
			if (held.phase !== "accepted" || !this.#isLate(held)) continue;
			const failure = new OperationError(
				"command-expired",
				`${held.operation} of ${held.resource} was accepted, but could not begin by ${held.startBy}`,
			);
			this.#runner.refuse(held, failureReport(failure));
		}
	}

	#isLate({ startBy }: Accepted): boolean {
		return this.#standing().coordinatorNowMs > Date.parse(startBy);
	}

	#openOperations(): readonly Accepted[] {
		return this.#options.journal.read(openOperations);
	}

	#syncWhenDue(): void {
		const nowMs = this.#options.elapsedMs();
		const { dueMs, pauseMs } = this.#nextSync;
		if (this.#session === undefined || nowMs < dueMs) return;
		this.#nextSync = { dueMs: nowMs + pauseMs, pauseMs: Math.min(pauseMs * 2, longestSyncPauseMs) };
		const { site, host, send } = this.#options;
		send(topicsOf(site).sync(host), JSON.stringify(this.#sync(this.#session)));
	}

	#sync(session: string): Sync {
		const { host, journal, now } = this.#options;
		const open = journal.read((database) => openEntries(database, openAtMost));
		return {
			...{ version: 1, host, session, journal: journal.id, agentEpoch: journal.agentEpoch },
			coordinatorEpoch: journal.coordinatorEpoch,
			open: open.map(({ command, state, sequence }) => ({ command, state, sequence })),
			at: instantOf(now()),
		};
	}
}

function isDangerous({ operation }: Accepted): boolean {
	return operations[operation].effect !== "reads";
}
