import {
	type ArchiveSummary,
	type HostName,
	type Instant,
	type InventoryResource,
	instantOf,
	type Presence,
	type ResourceId,
	type ResourceState,
	type Sync,
} from "@davit/protocol";
import type { History } from "../history/history.ts";
import type { HostRecord } from "../history/records.ts";

/** What is known of one resource now. */
export interface ResourceEntry {
	readonly id: ResourceId;
	readonly firstSeenAt: Instant;
	state: ResourceState | null;
	archives: readonly ArchiveSummary[];
	/** Undefined where the host does not list it any more. */
	listed: InventoryResource | undefined;
}

/** What is known of one host now. */
export interface HostEntry {
	record: HostRecord;
	online: boolean;
	/** Of the connection that said `online`. */
	session: string | undefined;
	/** When it is taken for offline unless it is heard before; milliseconds since 1970. */
	offlineAtMs: number | undefined;
	heardMs: number | undefined;
	/** Its clock minus ours. */
	skewSeconds: number | undefined;
	/** Journals that synced before the present one; one that comes back means that two agents have this name. */
	readonly pastJournals: Set<string>;
	/** Until when two agents with this name are warned of. */
	doubleUntilMs: number;
	readonly resources: Map<ResourceId, ResourceEntry>;
}

interface Ground {
	readonly history: History;
	readonly now: () => number;
	readonly offlineGraceSeconds: number;
}

/** After a will or a goodbye; a reconnect within it is not shown as a fall. */
const goodbyeGraceMs = 5000;
const doubleShownMs = 10 * 60_000;

/** The present of all hosts, in memory; what was last known of them is kept in the history. */
export class Fleet {
	readonly #hosts = new Map<HostName, HostEntry>();
	readonly #ground: Ground;
	readonly #warned = new Set<string>();

	constructor(ground: Ground) {
		this.#ground = ground;
	}

	/** Takes up what the history holds; what is only known of the present stays. */
	load(): void {
		const before = new Map(this.#hosts);
		this.#hosts.clear();
		for (const record of this.#ground.history.hosts.all()) {
			const { record: _record, resources: _resources, ...present } = before.get(record.host) ?? {};
			Object.assign(this.#enter(record), present);
		}
		for (const { host, resource, firstSeenAt, state, archives } of this.#ground.history.hosts.resources()) {
			const entry = this.#hosts.get(host);
			if (entry === undefined) continue;
			const listed = entry.record.inventory?.resources.find(({ id }) => id === resource);
			this.#addResource(entry, { id: resource, firstSeenAt, state, archives, listed });
		}
	}

	hosts(): IterableIterator<HostEntry> {
		return this.#hosts.values();
	}

	find(host: HostName): HostEntry | undefined {
		return this.#hosts.get(host);
	}

	resource(host: HostName, resource: ResourceId): ResourceEntry | undefined {
		return this.#hosts.get(host)?.resources.get(resource);
	}

	isOnline(host: HostName): boolean {
		return this.#hosts.get(host)?.online ?? false;
	}

	/** The host, made known by what was just heard of it. */
	meet(host: HostName): HostEntry {
		const known = this.#hosts.get(host);
		if (known !== undefined) return known;
		const record: HostRecord = {
			...{ host, publicKey: null, admittedAt: null, journal: null },
			...{ heardAt: null, description: null, inventory: null },
		};
		this.#ground.history.write("host", () => this.#ground.history.hosts.save(record));
		return this.#enter(record);
	}

	save(entry: HostEntry, change: Partial<HostRecord>): void {
		const record = { ...entry.record, ...change };
		this.#ground.history.write("host", () => this.#ground.history.hosts.save(record));
		entry.record = record;
	}

	/** The host said something just now; retained words do not count. */
	heard(entry: HostEntry, saidAt?: Instant): void {
		entry.heardMs = this.#ground.now();
		if (saidAt !== undefined) entry.skewSeconds = (Date.parse(saidAt) - entry.heardMs) / 1000;
	}

	/** @returns whether the host just came */
	hearPresence(entry: HostEntry, { state, session }: Presence): boolean {
		if (state === "offline") {
			const isOld = entry.session !== undefined && entry.session !== session;
			if (!isOld && entry.online) this.#expectUntil(entry, this.#ground.now() + goodbyeGraceMs);
			return false;
		}
		const isNew = !entry.online;
		entry.online = true;
		entry.session = session;
		entry.offlineAtMs = undefined;
		return isNew;
	}

	/**
	 * A memory that was lost does not come back: a sync of it is a late one, or of another agent with this name.
	 * @returns whether the agent lost its memory since it was last heard
	 */
	hearSync(host: HostName, sync: Sync): boolean {
		const entry = this.meet(host);
		const before = entry.record.journal;
		if (before === sync.journal) return false;
		if (entry.pastJournals.has(sync.journal)) {
			entry.doubleUntilMs = this.#ground.now() + doubleShownMs;
			return false;
		}
		if (before !== null) entry.pastJournals.add(before);
		this.save(entry, { journal: sync.journal });
		return before !== null;
	}

	/** Says something once in this life; at most a thousand things. */
	warnOnce(what: string, warn: () => void): void {
		if (this.#warned.has(what) || this.#warned.size >= 1000) return;
		this.#warned.add(what);
		warn();
	}

	/** Every host must be heard again within the grace: the broker was away, or we were. */
	doubtAll(): void {
		const untilMs = this.#ground.now() + this.#ground.offlineGraceSeconds * 1000;
		for (const entry of this.#hosts.values()) this.#expectUntil(entry, untilMs);
	}

	/** Hosts whose grace ran out since the last call; they are offline now. */
	fallen(): HostEntry[] {
		const nowMs = this.#ground.now();
		const fallen = [...this.#hosts.values()].filter(
			({ offlineAtMs }) => offlineAtMs !== undefined && offlineAtMs <= nowMs,
		);
		for (const entry of fallen) {
			entry.online = false;
			entry.offlineAtMs = undefined;
			if (entry.heardMs !== undefined) this.save(entry, { heardAt: instantOf(entry.heardMs) });
		}
		return fallen;
	}

	/** The resource, made known by what was just heard of it. */
	meetResource(entry: HostEntry, id: ResourceId): ResourceEntry {
		const known = entry.resources.get(id);
		if (known !== undefined) return known;
		const firstSeenAt = instantOf(this.#ground.now());
		const { host } = entry.record;
		this.#ground.history.write("resource", () =>
			this.#ground.history.hosts.saveResource(host, id, firstSeenAt),
		);
		return this.#addResource(entry, { id, firstSeenAt, state: null, archives: [], listed: undefined });
	}

	forgetResource(entry: HostEntry, id: ResourceId): void {
		const { host } = entry.record;
		this.#ground.history.write("resource", () => this.#ground.history.hosts.forgetResource(host, id));
		entry.resources.delete(id);
	}

	#expectUntil(entry: HostEntry, untilMs: number): void {
		entry.offlineAtMs = Math.min(entry.offlineAtMs ?? untilMs, untilMs);
	}

	#enter(record: HostRecord): HostEntry {
		const entry: HostEntry = {
			record,
			online: false,
			session: undefined,
			offlineAtMs: undefined,
			heardMs: record.heardAt === null ? undefined : Date.parse(record.heardAt),
			skewSeconds: undefined,
			pastJournals: new Set(),
			doubleUntilMs: 0,
			resources: new Map(),
		};
		this.#hosts.set(record.host, entry);
		return entry;
	}

	#addResource(entry: HostEntry, resource: ResourceEntry): ResourceEntry {
		entry.resources.set(resource.id, resource);
		return resource;
	}
}
