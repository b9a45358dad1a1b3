import type { HostName, ResourceId, RunId } from "@davit/protocol";

type Listener = (changed: ReadonlySet<string>) => void;

const shortestPauseMs = 250;

/** Collects what changed and tells it at most four times a second. */
export class Changes {
	#pending = new Set<string>();
	#toldAtMs = 0;
	readonly #listeners = new Set<Listener>();

	run(run: RunId): void {
		this.#pending.add(`run:${run}`);
	}

	resource(host: HostName, resource: ResourceId): void {
		this.#pending.add(`resource:${host}/${resource}`);
	}

	host(host: HostName): void {
		this.#pending.add(`host:${host}`);
	}

	listen(listener: Listener): () => void {
		this.#listeners.add(listener);
		return () => this.#listeners.delete(listener);
	}

	/** Called with each tick. */
	tell(nowMs: number): void {
		if (this.#pending.size === 0 || nowMs - this.#toldAtMs < shortestPauseMs) return;
		const changed = this.#pending;
		this.#pending = new Set();
		this.#toldAtMs = nowMs;
		for (const listener of this.#listeners) listener(changed);
	}
}
