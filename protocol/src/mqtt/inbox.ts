import type { Logger } from "../log.ts";
import { matchesFilter } from "./filter.ts";
import type { Message } from "./session.ts";

export type Handler = (message: Message) => void | Promise<void>;

/** Hands messages to their handlers, one message at a time in the order they came, over all connections of a session. */
export class Inbox {
	readonly #handlers = new Map<string, Handler[]>();
	readonly #log: Logger;
	#order: Promise<void> = Promise.resolve();

	constructor(log: Logger) {
		this.#log = log;
	}

	get filters(): readonly string[] {
		return [...this.#handlers.keys()];
	}

	/** Whether the filter is new and the broker has to be asked for it. */
	add(filter: string, handle: Handler): boolean {
		const handlers = this.#handlers.get(filter);
		if (handlers === undefined) this.#handlers.set(filter, [handle]);
		else handlers.push(handle);
		return handlers === undefined;
	}

	/** Resolves when all handlers of this message are through; rejects with what one of them threw. */
	receive(message: Message): Promise<void> {
		const handled = this.#order.then(() => this.#handle(message));
		// Who called hears of a failure; the next message comes all the same.
		this.#order = handled.catch(() => undefined);
		return handled;
	}

	async #handle(message: Message): Promise<void> {
		try {
			for (const [filter, handlers] of this.#handlers) {
				if (!matchesFilter(filter, message.topic)) continue;
				for (const handle of handlers) await handle(message);
			}
		} catch (error) {
			this.#log.error({ err: error, topic: message.topic }, "a message could not be handled");
			throw error;
		}
	}
}
