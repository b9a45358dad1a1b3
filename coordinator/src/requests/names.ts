import { type HostName, OperationError, type ResourceId, resourceName } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { HostEntry, ResourceEntry } from "../fleet/fleet.ts";

/** @throws OperationError host-not-found, with the names that may have been meant */
export function findHost(core: Core, name: string): HostEntry {
	const hosts = [...core.fleet.hosts()];
	const found = hosts.find(({ record }) => record.host === name);
	if (found !== undefined) return found;
	const candidates = nearest(
		name,
		hosts.map(({ record }) => record.host),
	);
	throw new OperationError("host-not-found", `no host is called ${shown(name)}`, {
		candidates,
		...didYouMean(candidates),
	});
}

/** @throws OperationError host-not-found | resource-not-found, with the addresses that may have been meant */
export function findResource(
	core: Core,
	host: HostName,
	resource: ResourceId,
): { entry: HostEntry; known: ResourceEntry } {
	const entry = findHost(core, host);
	const known = entry.resources.get(resource);
	if (known !== undefined) return { entry, known };
	const candidates = nearest(resource, [...entry.resources.keys()]).map((id) => `${host}/${id}`);
	throw new OperationError("resource-not-found", `${host} has no ${shown(resource)}`, {
		candidates,
		...didYouMean(candidates),
	});
}

/** The host whose archives lie in this very folder. @throws OperationError host-not-found | resource-not-found */
export function findArchivesOf(core: Core, host: HostName, folder: ResourceId): HostEntry {
	const entry = findHost(core, host);
	if (entry.record.description?.archivesPath === resourceName(folder)) return entry;
	throw new OperationError("resource-not-found", `${host} has no archives in ${shown(resourceName(folder))}`);
}

/** The command that shows the first of what may have been meant; every door lists them all by itself. */
export function didYouMean(candidates: readonly string[]): { hint?: string } {
	return candidates[0] === undefined ? {} : { hint: `davit show ${candidates[0]}` };
}

/** At most three of `names` that differ little from `name`, nearest first. */
export function nearest(name: string, names: readonly string[]): string[] {
	const most = Math.max(1, Math.floor(name.length / 3));
	return names
		.map((candidate) => ({ candidate, distance: distanceOf(name.slice(0, 100), candidate.slice(0, 100)) }))
		.filter(({ candidate, distance }) => distance <= most || (name.length > 2 && candidate.includes(name)))
		.sort((one, other) => one.distance - other.distance || one.candidate.localeCompare(other.candidate))
		.slice(0, 3)
		.map(({ candidate }) => candidate);
}

/** What a person typed, safe to print: control characters escaped, at most 100 characters. */
export function shown(text: string): string {
	return /^[\w./:@*-]{1,100}$/.test(text) ? text : JSON.stringify(text.slice(0, 100));
}

/** Letters to insert, remove, replace or swap with their neighbour (optimal string alignment). */
function distanceOf(one: string, other: string): number {
	const first = Array.from({ length: other.length + 1 }, (_, index) => index);
	let [before, row]: [number[], number[]] = [[], first];
	for (let left = 1; left <= one.length; left += 1) {
		const next = [left];
		for (let right = 1; right <= other.length; right += 1) {
			const replaced = (row[right - 1] ?? 0) + (one[left - 1] === other[right - 1] ? 0 : 1);
			const isSwap = one[left - 1] === other[right - 2] && one[left - 2] === other[right - 1];
			const swapped = isSwap && left > 1 && right > 1 ? (before[right - 2] ?? 0) + 1 : replaced;
			next.push(Math.min(replaced, swapped, (row[right] ?? 0) + 1, (next[right - 1] ?? 0) + 1));
		}
		[before, row] = [row, next];
	}
	return row[other.length] ?? 0;
}
