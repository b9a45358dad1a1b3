import {
	hostInTopic,
	newId as makeId,
	type PlanDocument,
	type PlanId,
	type PrincipalName,
	principalInTopic,
	type Request,
	type Response,
	topicsOf,
} from "@davit/protocol";
import { Fleet } from "../fleet/fleet.ts";
import { type Heard, hearHost } from "../fleet/hear.ts";
import { answerOf, askHost, type Question } from "../looking/ask-host.ts";
import { judgeLate, judgeSilence } from "../outbox/judge.ts";
import { Outbox } from "../outbox/outbox.ts";
import { judgePlans, type PlanWanted, startPlan } from "../plans/plans.ts";
import { planDocument } from "../plans/ready.ts";
import {
	clearOldRuns,
	forgetOldAnswers,
	presenceOf,
	publishEverything,
	publishHost,
} from "../publishing/publish.ts";
import { hearRequest } from "../requests/hear.ts";
import { record } from "../requests/record.ts";
import { RunBook } from "../runs/book.ts";
import { ScheduleBook } from "../schedules/book.ts";
import { beginDue } from "../schedules/due.ts";
import { advanceWholes } from "../wholes/advance.ts";
import { Changes } from "./changes.ts";
import type { Core, Outgoing, Surroundings } from "./context.ts";

/** How often it looks at what passes with time alone: overdue backups, runs to clear. */
const slowTickMs = 10_000;

export interface CoreOptions extends Omit<Surroundings, "newId"> {
	readonly newId?: Surroundings["newId"];
	/** A fresh random text, which its will carries. */
	readonly session: string;
}

/**
 * All that the coordinator decides, without network, timer or clock: messages come by `receive`, time by `tick`, and what it
 * says goes out by `send`. Whatever it has answered is committed. When `receive` throws, the history could not be written: the
 * message must not be acknowledged.
 */
export class CoordinatorCore {
	readonly parts: Core;
	readonly #session: string;
	#slowTickAtMs = 0;
	/** What may be sent only after a commit; undefined where everything goes out at once. */
	#held: Outgoing[] | undefined;
	/** Memory may be ahead of the history. */
	#isDoubtful = false;

	constructor({ session, newId = makeId, ...surroundings }: CoreOptions) {
		const { history, now, random, limits } = surroundings;
		const fleet = new Fleet({ history, now, offlineGraceSeconds: limits.offlineGraceSeconds });
		const topics = topicsOf(surroundings.site);
		this.#session = session;
		const send = (outgoing: Outgoing) => {
			if (this.#held === undefined) surroundings.send(outgoing);
			else this.#held.push(outgoing);
		};
		this.parts = {
			...surroundings,
			send,
			newId,
			topics,
			fleet,
			runs: new RunBook(history),
			schedules: new ScheduleBook(history),
			outbox: new Outbox({
				now,
				random,
				isOnline: (host) => fleet.isOnline(host),
				deliver: ({ host, message }) => send({ topic: topics.command(host), payload: message }),
			}),
			changes: new Changes(),
			statuses: new Map(),
			refusals: new Map(),
		};
	}

	/** Takes up what the history holds, and nothing else. Call it first. */
	load(): void {
		const { fleet, runs, schedules, outbox, history, statuses, refusals } = this.parts;
		this.#isDoubtful = true;
		outbox.clear();
		statuses.clear();
		refusals.clear();
		fleet.load();
		runs.load();
		schedules.load();
		for (const command of history.runs.pendingCommands()) outbox.add(command, { isOld: true });
		fleet.doubtAll();
		this.#isDoubtful = false;
	}

	/**
	 * Commits all that `work` makes the core write at once, and only then sends what it says: a thousand hosts that come back
	 * cost a few waits for the disk and not thousands. When it cannot be committed nothing of it is sent, memory is taken up from
	 * the history again, and what was received counts as not received.
	 */
	together<Done>(work: () => Done): Done {
		if (this.#isDoubtful) this.load();
		const held: Outgoing[] = [];
		this.#held = held;
		let done: Done;
		try {
			done = this.parts.history.together(work);
		} catch (error) {
			this.#held = undefined;
			this.load();
			throw error;
		}
		this.#held = undefined;
		for (const outgoing of held) this.parts.send(outgoing);
		return done;
	}

	/** The broker is there, and may have forgotten everything. */
	birth(): void {
		const { topic, payload } = this.presence("online");
		this.parts.send({ topic, payload, retain: true });
		publishEverything(this.parts);
		this.parts.fleet.doubtAll();
		this.parts.outbox.wakeAll();
	}

	/** The broker is gone: hosts that are not heard within the grace are offline. */
	lost(): void {
		this.parts.fleet.doubtAll();
	}

	presence(state: "online" | "offline"): { topic: string; payload: string } {
		return presenceOf(this.parts, { state, session: this.#session });
	}

	/** Takes a message of any topic below the site; what is not for the coordinator is ignored. */
	receive(message: Heard): void {
		const host = hostInTopic(message.topic);
		if (host !== undefined) {
			hearHost(this.parts, host, message);
			return;
		}
		const principal = principalInTopic(message.topic);
		if (principal !== undefined) hearRequest(this.parts, principal, message);
	}

	/** What time alone brings. Call it at least once a second. */
	tick(): void {
		if (this.#isDoubtful) this.load();
		const { fleet, changes, outbox, now } = this.parts;
		for (const { record: host } of fleet.fallen()) {
			this.parts.log.warn({ host: host.host }, "a host is offline");
			changes.host(host.host);
			judgeSilence(this.parts, host.host);
		}
		judgePlans(this.parts);
		judgeLate(this.parts);
		beginDue(this.parts);
		advanceWholes(this.parts);
		outbox.pump();
		if (now() - this.#slowTickAtMs >= slowTickMs) this.#tickSlowly();
		changes.tell(now());
	}

	/** Records and answers at once; what is refused is answered too. */
	ask(request: Request, principal: PrincipalName): Response {
		return record(this.parts, { request, principal });
	}

	/** Calls `done` when the host has answered, or did not; `plan` then says what. */
	askPlan(wanted: PlanWanted, principal: PrincipalName, done: (plan: PlanId) => void): PlanId {
		const { plan, making } = startPlan(this.parts, wanted, principal);
		this.parts.runs.onEnded(making, () => done(plan));
		return plan;
	}

	/** Asks a host to look into an archive, and calls `done` when it has answered, or did not; `answer` then gives it or throws why. */
	askHost(
		question: Question,
		principal: PrincipalName,
		done: (answer: () => ReturnType<typeof answerOf>) => void,
	): void {
		const asked = askHost(this.parts, question, principal);
		this.parts.runs.onEnded(asked, () => done(() => answerOf(this.parts, asked)));
	}

	/** @throws OperationError when there is none, or the host could not make it */
	plan(id: string): PlanDocument {
		return planDocument(this.parts, id);
	}

	#tickSlowly(): void {
		this.#slowTickAtMs = this.parts.now();
		clearOldRuns(this.parts);
		forgetOldAnswers(this.parts);
		for (const entry of this.parts.fleet.hosts()) publishHost(this.parts, entry);
	}
}
