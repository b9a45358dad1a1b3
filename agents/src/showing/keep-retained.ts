/** Publishes retained; throws or rejects when it cannot. */
export type PublishRetained = (topic: string, payload: string) => Promise<void>;

/** What this agent shows on retained topics: published when it changes, and all of it at each birth. */
export class Retained {
	readonly #publish: PublishRetained;
	readonly #onError: (topic: string, error: unknown) => void;
	/** Payloads by topic, and what of them makes a difference. */
	readonly #shown = new Map<string, { readonly payload: string; readonly substance: string }>();

	constructor(publish: PublishRetained, onError: (topic: string, error: unknown) => void) {
		this.#publish = publish;
		this.#onError = onError;
	}

	/** `at` alone is no change. */
	show(topic: string, document: { readonly at: string }): void {
		const substance = JSON.stringify({ ...document, at: "" });
		if (this.#shown.get(topic)?.substance === substance) return;
		const payload = JSON.stringify(document);
		this.#shown.set(topic, { payload, substance });
		this.#say(topic, payload);
	}

	/** An empty payload clears what the broker keeps. */
	clear(topic: string): void {
		this.#shown.set(topic, { payload: "", substance: "" });
		this.#say(topic, "");
	}

	/** Everything once more: the broker may have forgotten it. */
	async showAll(): Promise<void> {
		for (const [topic, { payload }] of this.#shown) await this.#publish(topic, payload);
	}

	#say(topic: string, payload: string): void {
		// At the next birth everything is said again.
		this.#publish(topic, payload).catch((error: unknown) => this.#onError(topic, error));
	}
}
