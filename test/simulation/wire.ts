import type { Message } from "@davit/protocol/mqtt";
import { retell } from "./retell.ts";
import type { Scene } from "./scene.ts";

/** Whoever talks over the wire. */
export interface Party {
	readonly name: string;
	hears(topic: string): boolean;
	receive(message: Message): void;
	connected?(): void;
	lost?(): void;
	/** What the broker says, retained, when this party is gone without a goodbye. */
	will?(): { readonly topic: string; readonly payload: string } | undefined;
}

export interface Published {
	readonly topic: string;
	readonly payload: string;
	readonly retain?: boolean;
}

interface Link {
	readonly party: Party;
	isUp: boolean;
	/** Wants to be connected: its process lives. */
	isWanted: boolean;
	partitionedUntilMs: number;
	/** The broker has not noticed yet that it is gone. */
	sayWill: (() => void) | undefined;
}

/** A broker that keeps nothing it promises: it drops, repeats up to five times, delays, reorders, forgets and cuts off. */
export class Wire {
	readonly #scene: Scene;
	readonly #links = new Map<string, Link>();
	readonly #retained = new Map<string, string>();
	/** Rises when the broker forgets everything, what is under way too. */
	#age = 0;

	constructor(scene: Scene) {
		this.#scene = scene;
	}

	/** The party's process lives and connects as soon as it can. */
	attach(party: Party): void {
		const link = this.#linkOf(party);
		link.isWanted = true;
		this.#connectSoon(link);
	}

	/** The party's process died. */
	detach(party: Party): void {
		const link = this.#linkOf(party);
		link.isWanted = false;
		this.#cut(link);
	}

	isUp(party: Party): boolean {
		return this.#links.get(party.name)?.isUp ?? false;
	}

	retained(topic: string): string | undefined {
		return this.#retained.get(topic);
	}

	/** Lost when the party is not connected. */
	publish(party: Party, message: Published): void {
		if (!this.isUp(party)) return;
		this.#accept(message);
	}

	/** Something is on the broker that no party of ours said. */
	inject(message: Published): void {
		this.#accept(message);
	}

	partition(name: string, durationMs: number): void {
		const link = this.#links.get(name);
		if (link === undefined) return;
		this.#scene.note("partition", `${name} for ${Math.round(durationMs)} ms`);
		link.partitionedUntilMs = this.#scene.timeline.nowMs + durationMs;
		this.#cut(link);
		this.#connectSoon(link);
	}

	/** The broker is killed and its disk with it. */
	wipe(): void {
		this.#scene.note("broker wiped", "");
		this.#age += 1;
		this.#retained.clear();
		for (const link of this.#links.values()) {
			const wasUp = link.isUp;
			link.isUp = false;
			if (wasUp) link.party.lost?.();
			this.#connectSoon(link);
		}
	}

	/** Everybody is connected again as soon as they live. */
	heal(): void {
		for (const link of this.#links.values()) {
			link.partitionedUntilMs = 0;
			this.#connectSoon(link);
		}
	}

	#linkOf(party: Party): Link {
		const known = this.#links.get(party.name);
		if (known !== undefined) return known;
		const link: Link = { party, isUp: false, isWanted: false, partitionedUntilMs: 0, sayWill: undefined };
		this.#links.set(party.name, link);
		return link;
	}

	#connectSoon(link: Link): void {
		const { timeline, chance } = this.#scene;
		const waitMs = Math.max(link.partitionedUntilMs - timeline.nowMs, 0) + chance.between(10, 2_000);
		timeline.in(waitMs, () => {
			if (link.isUp || !link.isWanted || link.partitionedUntilMs > timeline.nowMs) return;
			// A broker ends the old connection first, with its will.
			link.sayWill?.();
			link.isUp = true;
			this.#scene.story(`${link.party.name} is connected`);
			link.party.connected?.();
			for (const [topic, payload] of this.#retained) {
				if (link.party.hears(topic)) this.#carry(link, { topic, payload }, true);
			}
		});
	}

	#cut(link: Link): void {
		if (!link.isUp) return;
		const { timeline, chance } = this.#scene;
		link.isUp = false;
		const will = link.party.will?.();
		link.party.lost?.();
		if (will === undefined) return;
		const age = this.#age;
		const sayWill = (): void => {
			if (link.sayWill !== sayWill) return;
			link.sayWill = undefined;
			if (age === this.#age) this.#accept({ ...will, retain: true });
		};
		link.sayWill = sayWill;
		timeline.in(chance.between(500, 5_000), sayWill);
	}

	#accept({ topic, payload, retain = false }: Published): void {
		if (retain && payload === "") this.#retained.delete(topic);
		else if (retain) this.#retained.set(topic, payload);
		for (const link of this.#links.values()) {
			if (link.isUp && link.party.hears(topic)) this.#send(link, { topic, payload });
		}
	}

	#send(link: Link, message: Published): void {
		const { chance, weather, note } = this.#scene;
		if (chance.hits(weather.dropShare)) {
			note("drop", `to ${link.party.name}: ${message.topic}`);
			return;
		}
		const isRepeated = chance.hits(weather.duplicateShare);
		if (isRepeated) note("duplicate", `to ${link.party.name}: ${message.topic}`);
		const copies = isRepeated ? chance.whole(2, 5) : 1;
		for (let copy = 0; copy < copies; copy += 1) this.#carry(link, message, false);
	}

	#carry(link: Link, { topic, payload }: Published, retain: boolean): void {
		const { chance, weather, timeline, note, story, isTold } = this.#scene;
		const isSlow = chance.hits(weather.slowShare);
		if (isSlow) note("delay", `to ${link.party.name}: ${topic}`);
		const delayMs = isSlow ? chance.between(20, weather.longestDelayMs) : chance.between(1, 20);
		const age = this.#age;
		timeline.in(delayMs, () => {
			// A message that was on its way through another connection may come late; one on a forgotten broker may not.
			if (!link.isUp || age !== this.#age) return;
			if (isTold) story(`${link.party.name} hears ${retain ? "retained " : ""}${retell(topic, payload)}`);
			link.party.receive({ topic, payload: Buffer.from(payload), retain });
		});
	}
}
