import type { AddressDocument, ArchiveId, HostName, ResourceId } from "@davit/protocol";
import { usageError } from "./command-error.ts";
import type { Context } from "./context.ts";
import { callFor } from "./door/call.ts";

/** What an address means, as the coordinator sees it. @throws CommandError when nothing, or more than one thing, goes by it */
export async function resolveAddress(address: string, context: Context): Promise<AddressDocument> {
	const path = `/resolve?address=${encodeURIComponent(address)}`;
	return await callFor("davit/address/1", { method: "GET", path }, context);
}

export interface ResourceAddress {
	readonly host: HostName;
	readonly resource: ResourceId;
}

export interface ArchiveAddress extends ResourceAddress {
	readonly archive: ArchiveId;
}

export async function resolveResource(address: string, context: Context): Promise<ResourceAddress> {
	const { host, resource } = await resolveAddress(address, context);
	if (resource !== null) return { host, resource };
	throw usageError(`${address} is a host, but a resource is wanted`, `davit list resources ${host}`);
}

export async function resolveArchive(address: string, context: Context): Promise<ArchiveAddress> {
	const { host, resource, archive } = await resolveAddress(address, context);
	if (resource !== null && archive !== null) return { host, resource, archive };
	const example = resource === null ? "HOST/RESOURCE@latest" : `${address}@latest`;
	throw usageError(`${address} does not say which archive`, `davit list archives ${address}`, [
		`name one: ${example}, or its id`,
	]);
}

/** The parameters' part that names the resource, as each operation has it. */
export function resourceParams(resource: ResourceId): Readonly<Record<string, string>> {
	const name = resource.slice(resource.indexOf(":") + 1);
	return { [kindOf(resource)]: name };
}

/** Everything on a host, as the coordinator names it. */
export function wholeOf(host: HostName): ResourceId {
	// The protocol's own shape, without loading it.
	return `host:${host}` as ResourceId;
}

export function operationName(verb: string, resource: ResourceId): string {
	return `${kindOf(resource)}.${verb}`;
}

function kindOf(resource: ResourceId): string {
	return resource.slice(0, resource.indexOf(":"));
}

export function addressText({ host, resource }: ResourceAddress): string {
	return `${host}/${resource}`;
}
