import {
	type Activity,
	type HostName,
	type Inventory,
	instantOf,
	Presence,
	type ResourceArchives,
	type ResourceId,
	type ResourceState,
	topicsOf,
} from "@davit/protocol";
import type { Message } from "@davit/protocol/mqtt";
import type { Place } from "./place.ts";
import { site } from "./site.ts";

// What the program around an agent's core says by itself, as short as it may be.

const topics = topicsOf(site);

interface Present {
	readonly state: Presence["state"];
	readonly session: string;
	readonly journal: { readonly agentEpoch: number } | undefined;
	readonly atMs: number;
}

export function presenceOf(host: HostName, { state, session, journal, atMs }: Present) {
	const presence: Presence = {
		...{ version: 1, state, session, at: instantOf(atMs), epoch: journal?.agentEpoch ?? 0 },
	};
	return { topic: topics.presence(host), payload: JSON.stringify(presence) };
}

export function inventoryOf(
	host: HostName,
	{ resources, atMs }: { resources: readonly ResourceId[]; atMs: number },
) {
	const inventory: Inventory = {
		...{ version: 1, host, containers: [], truncated: false, at: instantOf(atMs) },
		resources: resources.map((id) => ({ id, anonymous: false, consistency: "paused", users: [] })),
	};
	return { topic: topics.inventory(host), payload: JSON.stringify(inventory) };
}

/** A resource's state and archives. */
export function publishedOf(
	host: HostName,
	{ place, activity, atMs }: { place: Place; activity: Activity | null; atMs: number },
) {
	const { resource, archives } = place;
	const at = instantOf(atMs);
	const lastGoodBackup = archives[0] ?? null;
	const state: ResourceState = {
		...{ version: 1, host, resource, lastGoodBackup, archives: archives.length, activity, undo: null, at },
	};
	const list: ResourceArchives = { version: 1, host, resource, archives: archives.slice(0, 200), at };
	return {
		state: { topic: topics.resourceState(host, resource), payload: JSON.stringify(state) },
		archives: { topic: topics.resourceArchives(host, resource), payload: JSON.stringify(list) },
	};
}

/** Whether a coordinator's presence is of a life that was not seen before; remembers it. */
export function isNewCoordinator(
	life: { coordinatorSession: string | undefined },
	{ payload }: Message,
): boolean {
	const presence = Presence.safeParse(JSON.parse(Buffer.from(payload).toString())).data;
	if (presence?.state !== "online" || presence.session === life.coordinatorSession) return false;
	life.coordinatorSession = presence.session;
	return true;
}
