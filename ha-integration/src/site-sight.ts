import {
	Description,
	type HostName,
	hostInTopic,
	Inventory,
	type Logger,
	type ResourceId,
	ResourceState,
	type SiteName,
	topicsOf,
} from "@davit/protocol";
import type { z } from "zod";
import type { SeenHost } from "./discovery.ts";
import { parseJson } from "./parse-json.ts";

/** What the agents say of themselves, from their retained messages. */
export class SiteSight {
	readonly #descriptions = new Map<HostName, Description>();
	readonly #inventories = new Map<HostName, Inventory>();
	/** Resources that an agent keeps a state of, by topic: also those that are gone but have archives. */
	readonly #states = new Map<string, ResourceState>();
	readonly #presences = new Set<HostName>();
	readonly #log: Logger;
	readonly #topics: ReturnType<typeof topicsOf>;

	constructor(site: SiteName, log: Logger) {
		this.#log = log;
		this.#topics = topicsOf(site);
	}

	/** @returns true when the topic is one of an agent's and changed what is seen */
	receive(topic: string, payload: string): boolean {
		const host = hostInTopic(topic);
		if (host === undefined) return false;
		if (topic === this.#topics.presence(host)) {
			const size = this.#presences.size;
			if (payload === "") this.#presences.delete(host);
			else this.#presences.add(host);
			return this.#presences.size !== size;
		}
		if (topic === this.#topics.description(host))
			return this.#keep(this.#descriptions, host, { payload, schema: Description });
		if (topic === this.#topics.inventory(host))
			return this.#keep(this.#inventories, host, { payload, schema: Inventory });
		if (topic.endsWith("/state")) return this.#keep(this.#states, topic, { payload, schema: ResourceState });
		return false;
	}

	/** Whether enough is known of a host to say that a device of it has gone. */
	knows(host: HostName): boolean {
		return this.#inventories.has(host);
	}

	/** Whether nothing at all is retained of a host: it was removed. */
	isGone(host: HostName): boolean {
		return !this.#inventories.has(host) && !this.#presences.has(host) && !this.#descriptions.has(host);
	}

	hosts(): SeenHost[] {
		const names = new Set([...this.#inventories.keys(), ...this.#descriptions.keys(), ...this.#presences]);
		return [...names].sort().map((host) => ({
			host,
			description: this.#descriptions.get(host),
			resources: this.#resourcesOf(host),
		}));
	}

	#resourcesOf(host: HostName): ResourceId[] {
		const present = this.#inventories.get(host)?.resources ?? [];
		const anonymous = new Set(present.filter((resource) => resource.anonymous).map(({ id }) => id));
		const remembered = [...this.#states.values()]
			.filter((state) => state.host === host)
			.map(({ resource }) => resource);
		const all = new Set([...present.map(({ id }) => id), ...remembered]);
		return [...all].filter((id) => !anonymous.has(id)).sort();
	}

	#keep<Key, Value>(
		into: Map<Key, Value>,
		key: Key,
		{ payload, schema }: { payload: string; schema: z.ZodType<Value> },
	): boolean {
		if (payload === "") return into.delete(key);
		const parsed = schema.safeParse(parseJson(payload));
		if (!parsed.success) {
			this.#log.warn({ key }, "message of an agent cannot be read and is left out");
			return false;
		}
		into.set(key, parsed.data);
		return true;
	}
}
