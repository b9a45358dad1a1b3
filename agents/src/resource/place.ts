import { lstat, realpath } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type CommandId, parseResource, type Resource, type ResourceId } from "@davit/protocol";

/** Where a resource's data lies on this host; JSON, so that it can be committed. */
export type Place = {
	readonly resource: ResourceId;
	/** The folder that is copied, or replaced as a whole. */
	readonly folder: string;
	/** False where it is gone and a restore makes it again. */
	readonly exists: boolean;
};

/** What lies in one place: a volume or a folder. */
export function parsePlaced({ resource }: Place): Exclude<Resource, { kind: "stack" | "host" }> {
	const parsed = parseResource(resource);
	if (parsed.kind === "stack" || parsed.kind === "host")
		throw new TypeError(`${resource} lies in more than one place`);
	return parsed;
}

/** Where a restore unpacks: beside the data, so that one rename puts it in place. `part` tells places of one stack apart. */
export function newFolder(place: Place, command: CommandId, part?: string): string {
	return beside(place, `.davit-new-${command}`, part);
}

/** Where the data goes that a restore replaces. */
export function keptFolder(place: Place, command: CommandId, part?: string): string {
	return beside(place, `.davit-undo-${command}`, part);
}

function beside({ folder }: Place, name: string, part: string | undefined): string {
	return join(dirname(folder), part === undefined ? name : `${name}-${part}`);
}

/** Whether `inner` is `outer` or lies below it; both absolute and normal. */
export function isWithin(inner: string, outer: string): boolean {
	return inner === outer || inner.startsWith(outer === "/" ? "/" : `${outer}/`);
}

/** False too where this user may not look. */
export async function isFolder(path: string): Promise<boolean> {
	return (await lstatOrUndefined(path))?.isDirectory() ?? false;
}

/** The path without symbolic links; the path itself where nothing is there, or this user may not look. */
export async function resolveLinks(path: string): Promise<string> {
	try {
		return await realpath(path);
	} catch (error) {
		if (isMissing(error) || isForbidden(error)) return path;
		throw error;
	}
}

/** Undefined where nothing is there, or this user may not look. */
export async function lstatOrUndefined(path: string) {
	try {
		return await lstat(path);
	} catch (error) {
		if (isMissing(error) || isForbidden(error)) return undefined;
		throw error;
	}
}

export function isMissing(error: unknown): boolean {
	return error instanceof Error && "code" in error && (error.code === "ENOENT" || error.code === "ENOTDIR");
}

export function isForbidden(error: unknown): boolean {
	const code = error instanceof Error && "code" in error ? error.code : undefined;
	return code === "EACCES" || code === "EPERM" || code === "EROFS";
}
