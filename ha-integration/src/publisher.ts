import type { Logger } from "@davit/protocol";
import { stripComponents } from "./discovery.ts";
import type { Memory } from "./memory.ts";

export interface PublisherOptions {
	readonly memory: Memory;
	readonly send: (topic: string, payload: string, retain: boolean) => Promise<void>;
	readonly log: Logger;
}

/**
 * Keeps the retained discovery messages of one site as they should be. What the broker holds is read back first: equal ones are
 * left alone, others published, vanished ones cleared. It is their only publisher.
 */
export class Publisher {
	readonly #options: PublisherOptions;
	/** What the broker holds, by topic. */
	readonly #held = new Map<string, string>();
	/** Topics that were cut to bare platforms and are cleared next time. */
	readonly #stripped = new Set<string>();
	/** Empty messages that are our own. */
	readonly #clearing = new Set<string>();

	constructor(options: PublisherOptions) {
		this.#options = options;
	}

	/** The session was born anew: nothing is known of what the broker holds. */
	forget(): void {
		this.#held.clear();
		this.#clearing.clear();
	}

	/**
	 * One message on our own discovery topics. An empty one that we did not send comes from Home Assistant: a person deleted the
	 * device there, which is respected until the resource itself has gone and come back.
	 */
	receive(topic: string, payload: string, retain: boolean): void {
		if (payload !== "") {
			if (retain) this.#held.set(topic, payload);
			return;
		}
		if (this.#clearing.delete(topic) || !this.#held.delete(topic)) return;
		this.#options.memory.hide(topic);
		this.#options.log.info({ topic }, "device was deleted in home assistant and stays hidden");
	}

	/**
	 * Publishes the difference between what is wanted and what the broker holds. A device that is no longer wanted is first cut to
	 * bare platforms (Home Assistant 2025.1 needs that) and cleared by the next call.
	 * @returns how many messages were published, and whether another call is due
	 */
	async reconcile(
		wanted: ReadonlyMap<string, string>,
		{ mayClear }: { mayClear: (topic: string) => boolean },
	): Promise<{ published: number; isDue: boolean }> {
		let published = 0;
		for (const [topic, message] of wanted) {
			if (this.#held.get(topic) === message || this.#options.memory.isHidden(topic)) continue;
			await this.#options.send(topic, message, true);
			this.#held.set(topic, message);
			this.#stripped.delete(topic);
			published += 1;
		}
		for (const topic of this.#options.memory.hidden) {
			if (!wanted.has(topic) && mayClear(topic)) this.#options.memory.unhide(topic);
		}
		let isDue = false;
		for (const topic of [...this.#held.keys()].reverse()) {
			if (wanted.has(topic) || !mayClear(topic)) continue;
			isDue = (await this.#letGo(topic)) || isDue;
			published += 1;
		}
		return { published, isDue };
	}

	/** @returns true when the topic still has to be cleared */
	async #letGo(topic: string): Promise<boolean> {
		const bare = this.#stripped.has(topic) ? undefined : bareOf(this.#held.get(topic));
		if (bare !== undefined) {
			await this.#options.send(topic, bare, true);
			this.#held.set(topic, bare);
			this.#stripped.add(topic);
			return true;
		}
		this.#clearing.add(topic);
		await this.#options.send(topic, "", true);
		this.#held.delete(topic);
		this.#stripped.delete(topic);
		return false;
	}
}

function bareOf(message: string | undefined): string | undefined {
	if (message === undefined) return undefined;
	try {
		return stripComponents(message);
	} catch (error) {
		if (error instanceof SyntaxError) return undefined;
		throw error;
	}
}
