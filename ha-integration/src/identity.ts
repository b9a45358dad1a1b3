import { type HostName, type ResourceId, resourceKey, type SiteName } from "@davit/protocol";

// Ids that Home Assistant keeps for ever: site, host and the resource's own name; never a container's id, an image or a tag.

/** The discovery node of everything that one site publishes; its wildcard reads back exactly our own configurations. */
export function siteNode(site: SiteName): string {
	return `davit_${site}`;
}

/** A host's name holds no underscore, so that the three kinds of object never meet. */
export const hubObject = "_hub";

export function hostObject(host: HostName): string {
	return host;
}

export function resourceObject(host: HostName, resource: ResourceId): string {
	return `${host}_${resourceKey(resource)}`;
}

export function deviceIdentifier(site: SiteName, object: string): string {
	return `davit_${site}_${object}`;
}

export function uniqueId(site: SiteName, object: string, entity: string): string {
	return `davit_${site}_${object}_${entity}`;
}

/** The entity id that Home Assistant gives at first sight (2025.10 and later); a person's rename wins afterwards. */
export function defaultEntityId(domain: string, object: string, entity: string): string {
	const slug = `davit_${object}_${entity}`.toLowerCase().replaceAll(/[^a-z0-9]+/g, "_");
	return `${domain}.${slug}`;
}
