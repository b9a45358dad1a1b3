import { type CommandId, OperationError, type ResourceId } from "@davit/protocol";
import type { Place } from "./place.ts";
import type { Scene } from "./scene.ts";
import type { Life, SimulatedAgent } from "./simulated-agent.ts";
import type { Performer, ToyEvent } from "./toy-operations.ts";

/** Carries toys out for one life of an agent. After its death nothing of it ever goes on. */
export class ScenePerformer implements Performer {
	readonly #scene: Scene;
	readonly #agent: SimulatedAgent;
	readonly #life: Life;
	readonly #cursed = new Map<CommandId, boolean>();

	constructor(scene: Scene, agent: SimulatedAgent, life: Life) {
		this.#scene = scene;
		this.#agent = agent;
		this.#life = life;
	}

	place(resource: ResourceId): Place {
		const place = this.#agent.places.get(resource);
		if (place === undefined) throw new OperationError("path-not-found", `there is no ${resource}`);
		return place;
	}

	work(signal?: AbortSignal): Promise<void> {
		const { chance, weather } = this.#scene;
		const durationMs = chance.next() ** 2 * weather.stepAtMostMs;
		return this.wait(durationMs, signal ?? new AbortController().signal);
	}

	/** What a dead process waits for never comes. */
	wait(durationMs: number, signal: AbortSignal): Promise<void> {
		const life = this.#life;
		if (life.isOver) return forever();
		return new Promise((resolve, reject) => {
			if (signal.aborted) {
				reject(signal.reason);
				return;
			}
			const take = this.#scene.timeline.in(durationMs, () => {
				signal.removeEventListener("abort", stop);
				if (!life.isOver) resolve();
			});
			const stop = (): void => {
				take();
				if (!life.isOver) reject(signal.reason);
			};
			signal.addEventListener("abort", stop, { once: true });
		});
	}

	async brink(point: string): Promise<void> {
		const { chance, weather, note } = this.#scene;
		if (!this.#life.isOver && chance.hits(weather.effectCrashShare)) {
			note("agent crash at an effect", `${this.#agent.name} ${point}`);
			this.#agent.kill(this.#life, point);
		}
		if (this.#life.isOver) await forever();
	}

	stumble(point: string, command: CommandId): void {
		const { chance, weather, note } = this.#scene;
		const isLasting = this.#isCursed(command) && !/^(prepare|read)/.test(point);
		if (!isLasting && !chance.hits(weather.stepFailShare)) return;
		note(isLasting ? "lasting failure" : "failure", `${this.#agent.name} ${point}`);
		const code = chance.hits(0.5) ? "docker-unreachable" : "docker-refused";
		throw new OperationError(code, `${point} fails`);
	}

	tell(event: ToyEvent): void {
		if (this.#life.isOver) return;
		const { auditor, story } = this.#scene;
		const { kind, command, resource, step } = event;
		story(`${this.#agent.name}: ${command} ${kind} ${step} (${resource})`);
		auditor.toy(this.#agent.name, this.place(resource), event);
	}

	#isCursed(command: CommandId): boolean {
		const { chance, weather } = this.#scene;
		const known = this.#cursed.get(command);
		const isCursed = known ?? chance.hits(weather.cursedShare);
		this.#cursed.set(command, isCursed);
		return isCursed;
	}
}

function forever(): Promise<never> {
	return new Promise(() => undefined);
}
