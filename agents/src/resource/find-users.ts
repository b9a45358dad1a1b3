import type { ResourceUser } from "@davit/protocol";
import { commandLabel } from "../docker/command-label.ts";
import type { Engine, EngineContainer, EngineMount, EngineVolume } from "../docker/engine.ts";
import { isWithin, type Place, resolveLinks } from "./place.ts";

/** A container that mounts a resource, or part of it, or a folder it lies in. */
export interface User extends ResourceUser {
	readonly id: string;
	/** It mounts the folder itself or something in it: after a swap it would go on with the old data. */
	readonly holds: boolean;
}

/** What the engine has, read once for all resources. */
export interface Surroundings {
	readonly containers: readonly EngineContainer[];
	/** The folders behind volumes that are another name for a folder of the host (`o=bind`). */
	readonly boundFolders: ReadonlyMap<string, string>;
	/** Sources of mounts without symbolic links. */
	readonly realSources: ReadonlyMap<string, string>;
}

/** Reads where every mount really leads. Containers that Davit made itself are left out. */
export async function surveyMounts(
	containers: readonly EngineContainer[],
	volumes: readonly EngineVolume[],
): Promise<Surroundings> {
	const boundFolders = new Map<string, string>();
	for (const { name, options } of volumes) {
		const device = options["device"];
		if (device?.startsWith("/") && isBind(options["o"])) boundFolders.set(name, await resolveLinks(device));
	}
	const sources = new Set(containers.flatMap(({ mounts }) => mounts.map(({ source }) => source)));
	const realSources = new Map<string, string>();
	for (const source of sources) {
		if (source.startsWith("/")) realSources.set(source, await resolveLinks(source));
	}
	const others = containers.filter(({ labels }) => labels[commandLabel] === undefined);
	return { containers: others, boundFolders, realSources };
}

/** Who uses a place, by name. */
export function findUsers(place: Place, surroundings: Surroundings): readonly User[] {
	const users = surroundings.containers.flatMap((container) => {
		const touching = container.mounts
			.map((mount) => ({ mount, relation: relate(mount, place, surroundings) }))
			.filter(({ relation }) => relation !== "apart");
		if (touching.length === 0) return [];
		const project = container.labels["com.docker.compose.project"];
		const service = container.labels["com.docker.compose.service"];
		return {
			...{ id: container.id, container: container.name, state: container.state },
			...(project === undefined ? {} : { project }),
			...(service === undefined ? {} : { service }),
			writes: touching.some(({ mount }) => mount.writes),
			holds: touching.some(({ relation }) => relation === "holds"),
		};
	});
	return users.sort((left, right) => (left.container < right.container ? -1 : 1));
}

/** Who uses a place now; nobody where there is no engine. */
export async function findUsersNow(
	place: Place,
	engine: Engine | undefined,
	signal: AbortSignal,
): Promise<readonly User[]> {
	return engine === undefined ? [] : findUsers(place, await surveyNow(engine, signal));
}

export async function surveyNow(engine: Engine, signal: AbortSignal): Promise<Surroundings> {
	const [containers, volumes] = await Promise.all([engine.containers(signal), engine.volumes(signal)]);
	return surveyMounts(containers, volumes);
}

/** Who uses any of several places, each once. */
export function findUsersOf(places: readonly Place[], surroundings: Surroundings): readonly User[] {
	const users = new Map<string, User>();
	for (const user of places.flatMap((place) => findUsers(place, surroundings))) {
		const known = users.get(user.id);
		const merged = {
			writes: user.writes || known?.writes === true,
			holds: user.holds || known?.holds === true,
		};
		users.set(user.id, { ...user, ...merged });
	}
	return [...users.values()].sort((left, right) => (left.container < right.container ? -1 : 1));
}

/**
 * Users that are alive, asked one by one: the engine's list may lag behind a stop that it has answered, what it says of one
 * container does not.
 */
export async function findAliveUsers(
	place: Place,
	engine: Engine | undefined,
	signal: AbortSignal,
): Promise<readonly User[]> {
	const alive: User[] = [];
	for (const user of await findUsersNow(place, engine, signal)) {
		if (!isAlive(user.state)) continue;
		const found = await engine?.container(user.id, signal);
		if (found !== undefined && isAlive(found.state)) alive.push({ ...user, state: found.state });
	}
	return alive;
}

/** Whether processes of a container in this state may be running, or would go on when thawed. */
export function isAlive(state: string): boolean {
	return state === "running" || state === "paused" || state === "restarting";
}

function relate(
	mount: EngineMount,
	place: Place,
	surroundings: Surroundings,
): "apart" | "holds" | "surrounds" {
	if (mount.volume !== undefined && place.resource === `volume:${mount.volume}`) return "holds";
	const source =
		(mount.volume === undefined ? undefined : surroundings.boundFolders.get(mount.volume)) ??
		surroundings.realSources.get(mount.source);
	if (source === undefined || mount.type === "tmpfs") return "apart";
	if (isWithin(source, place.folder)) return "holds";
	return isWithin(place.folder, source) ? "surrounds" : "apart";
}

function isBind(options: string | undefined): boolean {
	return options?.split(",").some((option) => option === "bind" || option === "rbind") ?? false;
}
