import { AgentCore } from "@davit/agents/core/agent-core.ts";
import type { Database } from "@davit/agents/journal/database.ts";
import { Journal } from "@davit/agents/journal/journal.ts";
import type { OperationContext } from "@davit/agents/operation.ts";
import { type HostName, type ResourceId, topicsOf } from "@davit/protocol";
import type { Message } from "@davit/protocol/mqtt";
import { openJournalInMemory } from "./journal-in-memory.ts";
import { makePlace, type Place } from "./place.ts";
import { inventoryOf, isNewCoordinator, presenceOf, publishedOf } from "./presence.ts";
import { Crash, type Scene } from "./scene.ts";
import { ScenePerformer } from "./scene-performer.ts";
import { coordinatorPublicKey, site } from "./site.ts";
import { storyLog } from "./story-log.ts";
import { toyHandlers } from "./toy-operations.ts";
import type { Party } from "./wire.ts";

const topics = topicsOf(site);

/** One process of an agent, from its start to its death. */
export interface Life {
	readonly number: number;
	isOver: boolean;
	/** It dies at one of its first writes. */
	writesLeft: number | undefined;
	core: AgentCore | undefined;
	journal: Journal | undefined;
	session: string;
	coordinatorSession: string | undefined;
	/** The archives that were said last in this connection. */
	readonly shown: Map<ResourceId, Place["archives"]>;
}

/** A host whose agent lives, dies and lives again over the same journal. */
export class SimulatedAgent implements Party {
	readonly name: HostName;
	readonly skewMs: number;
	readonly places: ReadonlyMap<ResourceId, Place>;
	database: Database;
	readonly #scene: Scene;
	#life: Life | undefined;
	#lives = 0;
	#connections = 0;

	constructor(scene: Scene, name: HostName, given: { skewMs: number; resources: readonly ResourceId[] }) {
		this.#scene = scene;
		this.name = name;
		this.skewMs = given.skewMs;
		this.places = new Map(given.resources.map((resource) => [resource, makePlace(resource)]));
		this.database = openJournalInMemory();
		scene.auditor.effects.setSkew(name, given.skewMs);
	}

	/** Undefined while it is dead. */
	get life(): Life | undefined {
		return this.#life;
	}

	now(): number {
		return this.#scene.timeline.nowMs + this.skewMs;
	}

	boot(isAfterCrash = false): void {
		const { chance, weather, story } = this.#scene;
		this.#lives += 1;
		const diesSoon = isAfterCrash && chance.hits(weather.secondCrashShare);
		const life: Life = {
			...{
				number: this.#lives,
				isOver: false,
				core: undefined,
				journal: undefined,
				session: "",
				shown: new Map(),
			},
			...{ coordinatorSession: undefined, writesLeft: diesSoon ? chance.whole(0, 6) : undefined },
		};
		this.#life = life;
		story(`${this.name} starts its life ${life.number}`);
		this.#guard(life, () => {
			this.#open(life).start();
			this.#look(life);
			this.#scene.wire.attach(this);
			this.#tickSoon(life);
		});
	}

	/** Ends without a goodbye. */
	kill(life: Life, where: string): void {
		if (life.isOver) return;
		const { chance, weather, timeline, note, wire, auditor } = this.#scene;
		life.isOver = true;
		this.#life = undefined;
		note("agent crash", `${this.name} dies ${where}`);
		if (life.writesLeft !== undefined) note("agent crash twice in a row", this.name);
		wire.detach(this);
		life.core?.abandon(new Crash(where));
		if (chance.hits(weather.lostJournalShare)) {
			note("journal lost", this.name);
			this.database.close();
			this.database = openJournalInMemory();
			auditor.lostMemory(this.name);
		}
		timeline.in(chance.between(100, 15_000), () => this.boot(true));
	}

	hears(topic: string): boolean {
		return topic === topics.command(this.name) || topic === topics.coordinatorPresence();
	}

	receive(message: Message): void {
		this.#alive((life) => {
			if (message.topic === topics.coordinatorPresence()) {
				if (isNewCoordinator(life, message)) life.core?.coordinatorCame();
				return;
			}
			for (const heard of this.#scene.sabotage.beforeAgent?.(this, message) ?? [message]) {
				life.core?.receive(heard);
			}
		});
	}

	connected(): void {
		this.#alive((life) => {
			this.#connections += 1;
			life.session = `${this.name}-${this.#connections}`;
			life.shown.clear();
			this.#publish(life, presenceOf(this.name, { ...life, state: "online", atMs: this.now() }), true);
			const resources = [...this.places.keys()];
			this.#publish(life, inventoryOf(this.name, { resources, atMs: this.now() }), true);
			for (const resource of resources) this.#show(life, resource);
			life.core?.connected(life.session);
		});
	}

	lost(): void {
		this.#scene.story(`${this.name} is cut off`);
	}

	will() {
		const session = this.#life?.session ?? `${this.name}-${this.#connections}`;
		return presenceOf(this.name, { state: "offline", session, journal: undefined, atMs: this.now() });
	}

	close(): void {
		this.database.close();
	}

	#open(life: Life): AgentCore {
		const { timeline, sabotage, auditor, chance } = this.#scene;
		const journal = Journal.open({
			...{ file: ":memory:", database: this.database, now: () => this.now(), reserveBytes: 1 },
			freeBytes: () => (chance.hits(this.#scene.weather.diskFullShare) ? 0 : 1),
			onWrite: (point) => this.#strike(life, point),
		});
		life.journal = journal;
		const performer = new ScenePerformer(this.#scene, this, life);
		const handlers = toyHandlers(performer);
		life.core = new AgentCore({
			...{ site, host: this.name, coordinatorKey: coordinatorPublicKey, journal },
			handlers: sabotage.handlers?.(handlers) ?? handlers,
			now: () => this.now(),
			elapsedMs: () => timeline.nowMs,
			wait: (durationMs, signal) => performer.wait(durationMs, signal),
			log: storyLog(this.#scene, this.name, life),
			send: (topic, payload) => {
				if (life.isOver) return;
				auditor.heardAgent(this.name, { topic, payload });
				this.#publish(life, { topic, payload }, false);
			},
			onActivity: (resource) => this.#alive(() => this.#show(life, resource)),
			onFatal: (error) => this.#fail(life, error),
			contextFor: ({ command, run, progress }) => {
				// The toys ask for nothing else of their context.
				return { site, host: this.name, command, run, progress, now: () => this.now() } as OperationContext;
			},
		});
		return life.core;
	}

	/** Called around every write of the journal. */
	#strike(life: Life, point: string): void {
		if (life.isOver) throw new Crash(point);
		const { chance, weather, note } = this.#scene;
		const isLast = life.writesLeft === 0 && weather.crashShare + weather.effectCrashShare > 0;
		if (life.writesLeft !== undefined) life.writesLeft -= 1;
		if (!isLast && !chance.hits(weather.crashShare)) return;
		note(`agent crash ${point.split(" ").slice(0, 2).join(" ")}`, this.name);
		this.kill(life, point);
		throw new Crash(point);
	}

	#alive(work: (life: Life) => void): void {
		const life = this.#life;
		if (life !== undefined) this.#guard(life, () => work(life));
	}

	#guard(life: Life, work: () => void): void {
		try {
			work();
		} catch (error) {
			this.#fail(life, error);
		}
	}

	#fail(life: Life, error: unknown): void {
		if (life.isOver) return;
		this.#scene.auditor.accuse(
			"defect",
			`${this.name}: ${error instanceof Error ? error.stack : String(error)}`,
		);
		this.kill(life, "of a defect");
	}

	#tickSoon(life: Life): void {
		const { timeline, chance } = this.#scene;
		timeline.in(chance.between(1_000, 4_000), () => {
			if (life.isOver) return;
			this.#guard(life, () => {
				life.core?.tick();
				this.#look(life);
			});
			if (!life.isOver) this.#tickSoon(life);
		});
	}

	#look(life: Life): void {
		const { states } = this.#scene.auditor;
		states.measured(`${this.name} the coordinator's epoch`, life.journal?.coordinatorEpoch ?? 0);
		const fences = this.database.prepare<[], { resource: string; fence: number }>("SELECT * FROM fences");
		for (const { resource, fence } of fences.all()) {
			states.measured(`${this.name} fence of ${resource}`, fence);
		}
	}

	#show(life: Life, resource: ResourceId): void {
		const place = this.places.get(resource);
		const activity = life.core?.activityOf(resource) ?? null;
		if (place === undefined) return;
		const { state, archives } = publishedOf(this.name, { place, activity, atMs: this.now() });
		this.#publish(life, state, true);
		if (life.shown.get(resource) === place.archives) return;
		life.shown.set(resource, place.archives);
		this.#publish(life, archives, true);
	}

	#publish(life: Life, { topic, payload }: { topic: string; payload: string }, retain: boolean): void {
		if (!life.isOver) this.#scene.wire.publish(this, { topic, payload, retain });
	}
}
