import { type Logger, type Run, type SiteName, type Topics, topicsOf } from "@davit/protocol";
import { eventMessage, eventOf, type JobEvent } from "./events.ts";
import type { Memory } from "./memory.ts";

/** Ended runs older than this, found at the very first start, are history and no news. */
const newsMs = 10 * 60_000;

/** A run that is heard this long after its end happened while the integration was away. */
const lateMs = 60_000;

export interface EventDeskOptions {
	readonly site: SiteName;
	readonly memory: Memory;
	readonly send: (topic: string, payload: string, retain: boolean) => Promise<void>;
	readonly now: () => number;
	readonly log: Logger;
}

/**
 * Turns ended runs into events, each exactly once for a Home Assistant that listens: at once when it does, again, flagged
 * `replayed`, when it was away. Whether it listens is known from its birth and last will only; before the first of them an event
 * is sent and kept, and the next word decides: `offline` means it had been there, `online` that it had not.
 */
export class EventDesk {
	readonly #options: EventDeskOptions;
	readonly #topics: Topics;
	#homeAssistant: "unknown" | "present" | "away" = "unknown";
	/** Runs that ended just now; every other pending one is a replay. */
	readonly #fresh = new Set<string>();
	#delivery: Promise<void> = Promise.resolve();

	constructor(options: EventDeskOptions) {
		this.#options = options;
		this.#topics = topicsOf(options.site);
	}

	/** A run as the coordinator publishes it; `isRetained` = it was published before this session listened. */
	takeRun(run: Run, { isRetained }: { isRetained: boolean }): void {
		const { memory, now } = this.#options;
		if (memory.hasSeen(run.run)) return;
		const event = eventOf(run);
		if (event === undefined) return;
		const isHistory = isRetained && memory.isNew && now() - Date.parse(event.finishedAt) > newsMs;
		if (isHistory) {
			memory.see(run.run);
			return;
		}
		memory.keep(event);
		if (this.#homeAssistant !== "away") this.#fresh.add(event.run);
		this.deliver();
	}

	/** Home Assistant's birth or last will. */
	hearHomeAssistant(word: string): void {
		if (word === "offline") {
			const had =
				this.#homeAssistant === "unknown" ? this.#options.memory.pending.filter(({ sent }) => sent) : [];
			this.#options.memory.drop(new Set(had.map(({ event }) => event.run)));
			this.#homeAssistant = "away";
		}
		if (word === "online") {
			this.#homeAssistant = "present";
			this.deliver({ again: true });
		}
	}

	/** Sends what is pending, oldest first; what cannot be sent stays for the next birth of the session. */
	deliver({ again = false } = {}): void {
		this.#delivery = this.#delivery.then(() => this.#deliverPending(again));
	}

	/** Resolves when everything begun so far was sent or kept. */
	settled(): Promise<void> {
		return this.#delivery;
	}

	async #deliverPending(again: boolean): Promise<void> {
		const { memory, log } = this.#options;
		if (this.#homeAssistant === "away") return;
		for (const { event, sent } of [...memory.pending]) {
			if (sent && !again) continue;
			try {
				await this.#publish(event, !this.#fresh.delete(event.run));
			} catch (error) {
				log.warn({ run: event.run, err: error }, "event is kept until the broker is back");
				return;
			}
			if (this.#homeAssistant === "present") memory.drop(new Set([event.run]));
			else memory.markSent(event.run);
		}
	}

	async #publish(event: JobEvent, isLater: boolean): Promise<void> {
		const { send, now } = this.#options;
		const replayed = isLater || now() - Date.parse(event.finishedAt) > lateMs;
		await send(this.#topics.event(event.host, event.resource), eventMessage(event, replayed), false);
		await send(this.#topics.trigger(event.host, event.resource), event.type, false);
	}
}
