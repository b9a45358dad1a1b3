import { createHash } from "node:crypto";
import { z } from "zod";
import { FolderPath, HostName, ProjectName, VolumeName } from "./vocabulary.ts";

/**
 * What a host has to protect: `volume:NAME`, `path:/srv/x` or `stack:PROJECT`, as one string on the wire and on the command line; and
 * `host:NAME`, everything that is configured on a host.
 */
export const ResourceId = z
	.string()
	.max(4200)
	.refine(
		(text) => parseKind(text) !== undefined,
		"a resource is volume:NAME, path:/absolute/folder, stack:PROJECT or host:NAME",
	)
	.brand<"ResourceId">();
export type ResourceId = z.infer<typeof ResourceId>;

export type Resource =
	| { readonly kind: "volume"; readonly volume: VolumeName }
	| { readonly kind: "path"; readonly path: FolderPath }
	/** A Compose project: its volumes, folders, files and networks. */
	| { readonly kind: "stack"; readonly stack: ProjectName }
	/** Everything that is configured on a host; only the coordinator works on it, part by part. */
	| { readonly kind: "host"; readonly host: HostName };

/** The parts of a resource's id. */
export function parseResource(id: ResourceId): Resource {
	const resource = parseKind(id);
	if (resource === undefined) throw new TypeError(`not a resource: ${id}`);
	return resource;
}

export function resourceId(resource: Resource): ResourceId {
	return ResourceId.parse(`${resource.kind}:${nameOf(resource)}`);
}

/** Everything that is configured on a host. */
export function wholeHost(host: HostName): ResourceId {
	return resourceId({ kind: "host", host });
}

/** The name a person types: the volume's name, the folder's path, the project's or the host's name. */
export function resourceName(id: ResourceId): string {
	return id.slice(id.indexOf(":") + 1);
}

/** As a person calls its kind. */
export function kindWord(id: ResourceId): "volume" | "folder" | "stack" | "host" {
	const { kind } = parseResource(id);
	return kind === "path" ? "folder" : kind;
}

/** The parameters' part that names the resource: `volume`, `path`, `stack` or `host`, as each operation has it. */
export function resourceParams(id: ResourceId): Readonly<Record<string, string>> {
	return { [parseResource(id).kind]: resourceName(id) };
}

/**
 * The resource as one topic level and as a part of Home Assistant's ids: `volume-`, `path-`, `stack-` or `host-` and a slug of
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
	if (text.startsWith("stack:")) {
		const stack = ProjectName.safeParse(text.slice("stack:".length));
		return stack.success ? { kind: "stack", stack: stack.data } : undefined;
	}
	if (text.startsWith("host:")) {
		const host = HostName.safeParse(text.slice("host:".length));
		return host.success ? { kind: "host", host: host.data } : undefined;
	}
	return undefined;
}

/** Whether two volumes or folders have data in common: a folder holds what lies in it too. */
export function overlaps(one: ResourceId, other: ResourceId): boolean {
	if (one === other) return true;
	const [left, right] = [parseResource(one), parseResource(other)];
	if (left.kind !== "path" || right.kind !== "path") return false;
	const isIn = (inner: string, outer: string) => inner.startsWith(outer === "/" ? "/" : `${outer}/`);
	return isIn(left.path, right.path) || isIn(right.path, left.path);
}

function nameOf(resource: Resource): string {
	switch (resource.kind) {
		case "volume":
			return resource.volume;
		case "path":
			return resource.path;
		case "stack":
			return resource.stack;
		case "host":
			return resource.host;
	}
}
