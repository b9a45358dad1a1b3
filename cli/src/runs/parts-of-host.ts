import type { InventoryResource, ResourceId } from "@davit/protocol";

/**
 * What a backup of everything on a host is, in its order: stacks that can be backed up whole, then the volumes and folders that are in
 * none of them. Volumes without a name of their own go with their containers.
 */
export function partsOfHost(listed: readonly InventoryResource[]): readonly ResourceId[] {
	const named = listed.filter(({ anonymous }) => !anonymous);
	const stacks = named.filter(({ id, covers }) => id.startsWith("stack:") && covers !== undefined);
	const covered = new Set(stacks.flatMap(({ covers = [] }) => covers));
	const alone = named.filter(({ id }) => !id.startsWith("stack:") && !covered.has(id));
	return [...stacks, ...alone].map(({ id }) => id);
}
