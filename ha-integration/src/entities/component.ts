import type { HostName, ResourceId, SiteName, Topics } from "@davit/protocol";
import { defaultEntityId, uniqueId } from "../identity.ts";

/** One component of a device's discovery message. */
export type Component = Readonly<Record<string, unknown>> & { readonly platform: string };

/** Where an entity belongs: what its ids and topics are made from. */
export interface Place {
	readonly site: SiteName;
	readonly object: string;
	readonly topics: Topics;
}

export interface ResourcePlace extends Place {
	readonly host: HostName;
	readonly resource: ResourceId;
}

/** What every entity has: ids that never change, and a name that does not repeat its device's. */
export function entity(
	platform: string,
	{ site, object }: Place,
	named: { id: string; name: string },
): Component {
	return {
		platform,
		unique_id: uniqueId(site, object, named.id),
		default_entity_id: defaultEntityId(platform, object, named.id),
		name: named.name,
		qos: 1,
	};
}

/**
 * Overrides the device's availability: what such an entity says stays true while the program that said it is away.
 * An empty list is what Home Assistant takes for "always available" (seen in 2025.1.4 and 2026.11.0).
 */
export const alwaysAvailable = { availability: [] } as const;
