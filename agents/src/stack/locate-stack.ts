import { stat } from "node:fs/promises";
import { dirname } from "node:path";
import {
	FolderPath,
	OperationError,
	type ProjectName,
	type ResourceId,
	resourceId,
	VolumeName,
} from "@davit/protocol";
import type { EngineContainerDetails, EngineMount } from "../docker/engine.ts";
import { requireEngine } from "../docker/require-engine.ts";
import type { OperationContext } from "../operation.ts";
import { type LocateContext, type Located, locate } from "../resource/locate.ts";
import { isWithin, resolveLinks } from "../resource/place.ts";
import { type FoundStack, findStacks } from "./find-stacks.ts";

/** Something a container of the stack mounts that is not backed up with it. */
export type LeftOut = { readonly what: string; readonly why: string; readonly isLoss: boolean };

/** All that a stack consists of; JSON. */
export type LocatedStack = {
	readonly project: ProjectName;
	readonly folder: string;
	readonly configFiles: readonly string[];
	readonly environmentFiles: readonly string[];
	/** Volumes and folders, each once. */
	readonly parts: readonly Located[];
	/** Single files that containers mount. */
	readonly files: readonly string[];
	readonly secretFiles: readonly string[];
	readonly leftOut: readonly LeftOut[];
	/** Ids of its containers. */
	readonly containers: readonly string[];
};

/** Of the machine, not of the stack: another machine has its own. */
const machineOwn = [
	...["/dev", "/proc", "/sys", "/run", "/var/run", "/lib/modules", "/etc/localtime", "/etc/timezone"],
	...["/etc/hostname", "/etc/hosts", "/etc/resolv.conf", "/etc/machine-id"],
];

/**
 * Finds a stack by its containers, and everything they mount; that is held before it is looked at.
 * @throws OperationError resource-not-found | stack-unreadable | docker-unreachable
 */
export async function locateStack(
	project: ProjectName,
	context: LocateContext & Pick<OperationContext, "hold">,
	signal: AbortSignal,
): Promise<LocatedStack> {
	const engine = await requireEngine(context, signal);
	const stack = findStacks(await engine.containers(signal)).find((found) => found.project === project);
	if (stack === undefined) {
		throw new OperationError(
			"resource-not-found",
			`no container of this engine belongs to a stack ${project}`,
		);
	}
	const folder = requireFiles(stack);
	for (const file of [...stack.configFiles, ...stack.environmentFiles])
		await requireReadable(project, file, context);
	const containers: EngineContainerDetails[] = [];
	for (const { id } of stack.containers) {
		const found = await engine.container(id, signal);
		if (found !== undefined) containers.push(found);
	}
	const mounts = await sortMounts(
		containers.flatMap((container) => container.mounts),
		context,
	);
	await context.hold(mounts.resources);
	const parts: Located[] = [];
	for (const resource of mounts.resources) parts.push(await locate(resource, context, signal));
	return {
		...{ project, folder, configFiles: stack.configFiles, environmentFiles: stack.environmentFiles, parts },
		...{ files: mounts.files, secretFiles: mounts.secretFiles, leftOut: mounts.leftOut },
		containers: containers.map(({ id }) => id),
	};
}

/** The volumes and folders that a backup of the stack would hold; undefined where its Compose files cannot be read. */
export async function coveredBy(
	stack: FoundStack,
	config: LocateContext["config"],
): Promise<readonly ResourceId[] | undefined> {
	try {
		requireFiles(stack);
		for (const file of [...stack.configFiles, ...stack.environmentFiles]) {
			await requireReadable(stack.project, file, { config });
		}
	} catch (error) {
		if (error instanceof OperationError) return undefined;
		throw error;
	}
	const mounts = stack.containers.flatMap((container) => container.mounts);
	return (await sortMounts(mounts, { config })).resources.slice(0, 100);
}

type Configured = Pick<LocateContext, "config">;

function requireFiles({ project, configFiles, workingFolder }: FoundStack): string {
	const [first] = configFiles;
	if (first === undefined) throw unreadable(project, "its containers do not say where its Compose files are");
	return workingFolder ?? dirname(first);
}

async function requireReadable(project: ProjectName, file: string, { config }: Configured): Promise<void> {
	const why = await whyNotAllowed(file, config);
	if (why !== undefined) throw unreadable(project, why);
	const found = await stat(file).catch((error: unknown) => {
		throw unreadable(project, `${file} is not there, or the agent may not read it`, error);
	});
	if (!found.isFile()) throw unreadable(project, `${file} is no file`);
}

function unreadable(project: ProjectName, why: string, cause?: unknown): OperationError {
	return new OperationError(
		"stack-unreadable",
		`the Compose files of stack ${project} cannot be read: ${why}`,
		{
			...(cause === undefined ? {} : { cause }),
			hint: "let the agent read them: add their folder to folders in its configuration; or back up the volumes one by one",
		},
	);
}

/** A container's label can name any file, so only those in the agent's folders are believed. */
export async function whyNotAllowed(
	file: string,
	{ folders, home }: LocateContext["config"],
): Promise<string | undefined> {
	const real = await resolveLinks(file);
	if (isWithin(real, await resolveLinks(home))) return `${file} belongs to Davit itself`;
	if (folders.some((folder) => isWithin(real, folder))) return undefined;
	return `${file} is not in a folder this agent may touch`;
}

interface SortedMounts {
	readonly resources: readonly ResourceId[];
	readonly files: readonly string[];
	readonly secretFiles: readonly string[];
	readonly leftOut: readonly LeftOut[];
}

async function sortMounts(mounts: readonly EngineMount[], context: Configured): Promise<SortedMounts> {
	const resources = new Set<ResourceId>();
	const [files, secretFiles] = [new Set<string>(), new Set<string>()];
	const leftOut = new Map<string, LeftOut>();
	const leave = (what: string, why: string, isLoss: boolean) => void leftOut.set(what, { what, why, isLoss });
	for (const mount of mounts) {
		const { volume, source, target } = mount;
		if (volume !== undefined) {
			const name = VolumeName.safeParse(volume);
			if (/^[0-9a-f]{64}$/.test(volume))
				leave(`volume at ${target}`, "it has no name and goes with its container", true);
			else if (name.success) resources.add(resourceId({ kind: "volume", volume: name.data }));
			continue;
		}
		if (mount.type === "tmpfs") leave(`memory at ${target}`, "it is empty after each start", false);
		else if (mount.type === "bind")
			await sortBind({ source, target }, { resources, files, secretFiles, leave, context });
	}
	return {
		resources: outermost([...resources]),
		files: [...files],
		secretFiles: [...secretFiles],
		leftOut: [...leftOut.values()],
	};
}

interface Sorting {
	readonly resources: Set<ResourceId>;
	readonly files: Set<string>;
	readonly secretFiles: Set<string>;
	readonly leave: (what: string, why: string, isLoss: boolean) => void;
	readonly context: Configured;
}

async function sortBind(
	{ source, target }: Pick<EngineMount, "source" | "target">,
	{ resources, files, secretFiles, leave, context: { config } }: Sorting,
): Promise<void> {
	const real = await resolveLinks(source);
	if (real === "/" || machineOwn.some((own) => isWithin(real, own)))
		return leave(source, "it is the machine's own", false);
	const found = await stat(source).catch(() => undefined);
	const why = await whyNotAllowed(source, config);
	if (why !== undefined) return leave(source, why, found?.isSocket() !== true);
	if (found === undefined) return leave(source, "it is not there", true);
	if (found.isSocket()) return leave(source, "it is a socket", false);
	const path = FolderPath.safeParse(real);
	if (found.isDirectory() && path.success) resources.add(resourceId({ kind: "path", path: path.data }));
	else if (found.isFile()) (isSecretTarget(target) ? secretFiles : files).add(source);
	else leave(source, "it is neither a file nor a folder", false);
}

/** Where Compose puts what a file calls a secret. */
function isSecretTarget(target: string): boolean {
	return isWithin(target, "/run/secrets") || isWithin(target, "/var/run/secrets");
}

/** A folder in another one is copied with it. */
function outermost(resources: readonly ResourceId[]): ResourceId[] {
	const inner = (one: ResourceId, other: ResourceId) =>
		one !== other &&
		one.startsWith("path:") &&
		other.startsWith("path:") &&
		isWithin(one.slice(5), other.slice(5));
	return resources.filter((one) => !resources.some((other) => inner(one, other))).sort();
}
