import type { InventoryResource, ResourceId } from "@davit/protocol";
import type { HostEntry } from "../fleet/fleet.ts";

/**
 * What a backup of everything on a host is, in its order: stacks that can be backed up whole, then the volumes and folders that are in
 * none of them. Volumes without a name of their own go with their containers.
 */
export function partsOfHost(listed: readonly InventoryResource[]): readonly ResourceId[] {
	const named = listed.filter(({ anonymous }) => !anonymous);
	const stacks = named.filter(isWholeStack);
	const covered = new Set(stacks.flatMap(({ covers = [] }) => covers));
	const alone = named.filter(({ id }) => !isStack(id) && !covered.has(id));
	return [...stacks, ...alone].map(({ id }) => id);
}

/** The same without stacks: every volume and folder by itself. */
export function placesOfHost(listed: readonly InventoryResource[]): readonly ResourceId[] {
	return listed.filter(({ id, anonymous }) => !anonymous && !isStack(id)).map(({ id }) => id);
}

/** What a host lists now, by name: the same order in each life of the coordinator. */
export function listedOn({ resources }: HostEntry): InventoryResource[] {
	return [...resources.values()]
		.flatMap(({ listed }) => listed ?? [])
		.sort((one, other) => (one.id < other.id ? -1 : 1));
}

/** The stacks whose backup holds a volume or a folder. */
export function stacksAround(entry: HostEntry, resource: ResourceId): ResourceId[] {
	return listedOn(entry)
		.filter((stack) => isWholeStack(stack) && stack.covers?.includes(resource))
		.map(({ id }) => id);
}

/** A stack whose files can be read, so that it can be backed up as one. */
export function isWholeStack({ id, covers }: InventoryResource): boolean {
	return isStack(id) && covers !== undefined;
}

function isStack(id: ResourceId): boolean {
	return id.startsWith("stack:");
}
