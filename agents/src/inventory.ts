import { basename, dirname, join } from "node:path";
import {
	type Capability,
	type HostName,
	type Inventory,
	type InventoryContainer,
	type InventoryResource,
	instantOf,
	OperationError,
	resourceId,
	VolumeName,
} from "@davit/protocol";
import { describeCapabilities } from "./capabilities.ts";
import type { AgentConfig } from "./config.ts";
import type { Engine, EngineContainer, EngineVolume } from "./docker/engine.ts";
import { findUsers, type Surroundings, surveyMounts } from "./resource/find-users.ts";
import { ownRetention } from "./resource/own-retention.ts";
import { type Place, resolveLinks } from "./resource/place.ts";
import { policyOf } from "./resource/policy.ts";
import { isScratch } from "./resource/scratch.ts";
import { type FoundStack, findStacks } from "./stack/find-stacks.ts";
import { coveredBy } from "./stack/locate-stack.ts";

/** What an agent finds on its host. */
export interface View {
	readonly inventory: Inventory;
	readonly capabilities: readonly Capability[];
	/** Undefined where none answers, which is a state to show and not a failure. */
	readonly engine: Engine | undefined;
}

export interface LookContext {
	readonly host: HostName;
	readonly config: AgentConfig;
	readonly now: () => number;
}

/** Why no engine was found, when there is none. */
export type Found = { readonly engine: Engine } | { readonly engine: undefined; readonly reason: unknown };

/** Messages end at 64 KiB; the signature, the topic and growth of the rest have what is left. */
const maximumBytes = 60 * 1024;

/**
 * Lists what the host has to protect and who uses it. Without an engine there still are the folders.
 * @throws OperationError docker-unreachable where the engine goes away meanwhile
 */
export async function lookAround(
	found: Found,
	{ host, config, now }: LookContext,
	signal: AbortSignal,
): Promise<View> {
	const { engine } = found;
	const [containers, everyVolume] =
		engine === undefined ? [[], []] : await Promise.all([engine.containers(signal), engine.volumes(signal)]);
	const volumes = everyVolume.filter((volume) => !isScratch(volume));
	const surroundings = await surveyMounts(containers, volumes);
	const resources = [
		...(await Promise.all(volumes.map((volume) => describeVolume(volume, surroundings, config)))),
		...config.folders.map((path) => {
			const id = resourceId({ kind: "path", path });
			const users = describeUsers({ resource: id, folder: path, exists: true }, surroundings);
			return {
				id,
				anonymous: false,
				consistency: policyOf(id, {}, config).consistency,
				...ownRetention(id, {}, config),
				users,
			};
		}),
		...(await Promise.all(findStacks(containers).map((stack) => describeStack(stack, config)))),
	];
	const inventory = fitInventory({
		version: 1,
		host,
		...(engine === undefined
			? {}
			: { engine: { version: engine.version, apiVersion: engine.apiVersion, name: engine.name } }),
		...whyAway(found),
		resources: resources.sort((left, right) => (left.id < right.id ? -1 : 1)),
		containers: surroundings.containers
			.map(describeContainer)
			.sort((left, right) => (left.name < right.name ? -1 : 1)),
		truncated: false,
		at: instantOf(now()),
	});
	return { inventory, capabilities: await describeCapabilities(found, config), engine };
}

function whyAway(found: Found): Pick<Inventory, "engineAway"> {
	const isAway = found.engine === undefined && found.reason instanceof OperationError;
	return isAway ? { engineAway: found.reason.message.slice(0, 300) } : {};
}

/** Leaves out containers, then resources without a name, then the rest from the end, until a message can carry it. */
export function fitInventory(whole: Inventory): Inventory {
	if (bytesOf(whole) <= maximumBytes) return whole;
	const named = whole.resources.filter(({ anonymous }) => !anonymous);
	for (const resources of [whole.resources, named]) {
		const shorter = { ...whole, resources, containers: [], truncated: true };
		if (bytesOf(shorter) <= maximumBytes) return shorter;
	}
	let left = maximumBytes - bytesOf({ ...whole, resources: [], containers: [], truncated: true });
	const resources = named.filter((resource) => {
		left -= bytesOf(resource) + 1;
		return left >= 0;
	});
	return { ...whole, resources, containers: [], truncated: true };
}

async function describeVolume(
	{ name, driver, labels, mountpoint }: EngineVolume,
	surroundings: Surroundings,
	config: AgentConfig,
): Promise<InventoryResource> {
	const id = resourceId({ kind: "volume", volume: VolumeName.parse(name) });
	const folder = mountpoint === "" ? "" : join(await resolveLinks(dirname(mountpoint)), basename(mountpoint));
	const project = labels["com.docker.compose.project"];
	return {
		id,
		anonymous: /^[0-9a-f]{64}$/.test(name) || labels["com.docker.volume.anonymous"] !== undefined,
		driver: driver.slice(0, 100),
		...(project === undefined ? {} : { project: project.slice(0, 255) }),
		consistency: policyOf(id, labels, config).consistency,
		...ownRetention(id, labels, config),
		users: describeUsers({ resource: id, folder, exists: true }, surroundings),
	};
}

async function describeStack(stack: FoundStack, config: AgentConfig): Promise<InventoryResource> {
	const { project, containers } = stack;
	const covers = await coveredBy(stack, config);
	const id = resourceId({ kind: "stack", stack: project });
	const users = containers.map(({ name, state, labels, mounts }) => {
		const service = labels["com.docker.compose.service"];
		return {
			...{ container: name, state, project, writes: mounts.some(({ writes }) => writes) },
			...(service === undefined ? {} : { service }),
		};
	});
	const { consistency } = policyOf(id, {}, config);
	return {
		...{ id, anonymous: false, project, consistency, users },
		...(covers === undefined ? {} : { covers: [...covers] }),
	};
}

function describeUsers(place: Place, surroundings: Surroundings): InventoryResource["users"] {
	return findUsers(place, surroundings).map(({ id: _id, holds: _holds, ...user }) => user);
}

function describeContainer({ name, image, state, labels, mounts }: EngineContainer): InventoryContainer {
	const project = labels["com.docker.compose.project"];
	const service = labels["com.docker.compose.service"];
	return {
		...{ name, image: image.slice(0, 300), state },
		...(project === undefined ? {} : { project }),
		...(service === undefined ? {} : { service }),
		mounts: mounts.map((mount) => ({
			type: mountType(mount.type),
			source: mount.volume ?? mount.source,
			target: mount.target,
			writes: mount.writes,
		})),
	};
}

function mountType(type: string): "volume" | "bind" | "tmpfs" | "other" {
	return type === "volume" || type === "bind" || type === "tmpfs" ? type : "other";
}

function bytesOf(value: unknown): number {
	return Buffer.byteLength(JSON.stringify(value));
}
