import type { Logger } from "../log.ts";
import { matchesFilter } from "./filter.ts";
import type { Message, SessionOptions } from "./session.ts";

export type Handler = (message: Message) => void | Promise<void>;

interface Waiting {
	readonly message: Message;
	readonly resolve: () => void;
	readonly reject: (error: unknown) => void;
}

const togetherAtMost = 50;

/** Hands messages to their handlers, one message at a time in the order they came, over all connections of a session. */
export class Inbox {
	readonly #handlers = new Map<string, Handler[]>();
	readonly #log: Logger;
	readonly #together: SessionOptions["together"];
	#order: Promise<void> = Promise.resolve();
	#waiting: Waiting[] = [];

	constructor({ log, together }: Pick<SessionOptions, "log" | "together">) {
		this.#log = log;
		this.#together = together;
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
		return this.#together === undefined ? this.#inTurn(message) : this.#withOthers(message);
	}

	#inTurn(message: Message): Promise<void> {
		const handled = this.#order.then(() => this.#handle(message));
		// Who called hears of a failure; the next message comes all the same.
		this.#order = handled.catch(() => undefined);
		return handled;
	}

	/** What was not handed on yet never will be, nor acknowledged. */
	close(): void {
		this.#waiting = [];
	}

	/** Waits for everything that is being read from the network just now. */
	#withOthers(message: Message): Promise<void> {
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		this.#waiting.push({ message, resolve, reject });
		if (this.#waiting.length === 1) setImmediate(() => this.#handOn());
		return promise;
	}

	#handOn(): void {
		const batch = this.#waiting.splice(0, togetherAtMost);
		if (this.#waiting.length > 0) setImmediate(() => this.#handOn());
		try {
			this.#together?.(() => {
				for (const { message } of batch) this.#handleNow(message);
			});
			for (const { resolve } of batch) resolve();
		} catch (error) {
			this.#log.warn(
				{ err: error, messages: batch.length },
				"messages could not be handled together and are handled one by one",
			);
			for (const { message, resolve, reject } of batch) this.#inTurn(message).then(resolve, reject);
		}
	}

	#handleNow(message: Message): void {
		for (const handle of this.#handlersOf(message)) {
			if (handle(message) instanceof Promise)
				throw new TypeError("a handler of several messages may not wait");
		}
	}

	async #handle(message: Message): Promise<void> {
		try {
			for (const handle of this.#handlersOf(message)) await handle(message);
		} catch (error) {
			this.#log.error({ err: error, topic: message.topic }, "a message could not be handled");
			throw error;
		}
	}

	#handlersOf({ topic }: Message): Handler[] {
		return [...this.#handlers].flatMap(([filter, handlers]) =>
			matchesFilter(filter, topic) ? handlers : [],
		);
	}
}
