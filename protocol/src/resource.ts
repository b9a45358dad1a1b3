import { createHash } from "node:crypto";
import { z } from "zod";
import { FolderPath, VolumeName } from "./vocabulary.ts";

/** What a host has to protect: `volume:NAME` or `path:/srv/x`, as one string on the wire and on the command line. */
export const ResourceId = z
	.string()
	.max(4200)
	.refine((text) => parseKind(text) !== undefined, "a resource is volume:NAME or path:/absolute/folder")
	.brand<"ResourceId">();
export type ResourceId = z.infer<typeof ResourceId>;

export type Resource =
	| { readonly kind: "volume"; readonly volume: VolumeName }
	| { readonly kind: "path"; readonly path: FolderPath };

/** The parts of a resource's id. */
export function parseResource(id: ResourceId): Resource {
	const resource = parseKind(id);
	if (resource === undefined) throw new TypeError(`not a resource: ${id}`);
	return resource;
}

export function resourceId(resource: Resource): ResourceId {
	return ResourceId.parse(resource.kind === "volume" ? `volume:${resource.volume}` : `path:${resource.path}`);
}

/** The name a person types: the volume's name or the folder's path. */
export function resourceName(id: ResourceId): string {
	return id.slice(id.indexOf(":") + 1);
}

/**
 * The resource as one topic level and as a part of Home Assistant's ids: `volume-` or `path-` and a slug of
 * [a-z0-9_-], at most 64 characters. A name that the slug does not spell exactly gets eight digits of its SHA-256,
 * so two resources never share a key.
 */
export function resourceKey(id: ResourceId): string {
	const { kind } = parseResource(id);
	const name = resourceName(id);
	const slug = name
		.replace(/^\/+/, "")
		.replaceAll(/[^a-z0-9_-]/g, "-")
		.slice(0, 40);
	if (slug === name) return `${kind}-${slug}`;
	return `${kind}-${slug}-${createHash("sha256").update(name).digest("hex").slice(0, 8)}`;
}

function parseKind(text: string): Resource | undefined {
	if (text.startsWith("volume:")) {
		const volume = VolumeName.safeParse(text.slice("volume:".length));
		return volume.success ? { kind: "volume", volume: volume.data } : undefined;
	}
	if (text.startsWith("path:")) {
		const path = FolderPath.safeParse(text.slice("path:".length));
		return path.success ? { kind: "path", path: path.data } : undefined;
	}
	return undefined;
}
