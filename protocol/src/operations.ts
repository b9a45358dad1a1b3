import type { z } from "zod";
import { OperationError } from "./failures.ts";
import { hostWorkflows } from "./operations/host.ts";
import { type LookingVerb, lookingOperations, lookingVerbs } from "./operations/looking.ts";
import { pathOperations } from "./operations/path.ts";
import { previewOperations } from "./operations/preview.ts";
import { repositoryOperations } from "./operations/repository.ts";
import { rescanOperations } from "./operations/rescan.ts";
import { stackOperations } from "./operations/stack.ts";
import { volumeOperations } from "./operations/volume.ts";
import { parseResource, type ResourceId, resourceId, wholeHost } from "./resource.ts";
import { FolderPath, HostName, ProjectName, VolumeName } from "./vocabulary.ts";

/** What an operation does to the resource it names. Only one that writes or destroys runs at a time. */
export type Effect = "reads" | "writes" | "destroys";

interface Definition {
	readonly effect: Effect;
	readonly params: z.ZodType;
	readonly result: z.ZodType;
}

/** The catalogue: every operation there is, once. */
export const operations = {
	...volumeOperations,
	...pathOperations,
	...stackOperations,
	...lookingOperations,
	...rescanOperations,
	...repositoryOperations,
	...previewOperations,
} as const satisfies Record<string, Definition>;

/** What the coordinator carries out itself, by operations: no agent is ever asked for one of these. */
export const workflows = { ...hostWorkflows } as const satisfies Record<string, Definition>;

/** Everything that can be asked for. */
export const works = { ...operations, ...workflows } as const;

export type OperationName = keyof typeof operations;
export type WorkflowName = keyof typeof workflows;
export type WorkName = OperationName | WorkflowName;
export type Params<Name extends WorkName> = z.infer<(typeof works)[Name]["params"]>;
export type Result<Name extends WorkName> = z.infer<(typeof works)[Name]["result"]>;

/** What a person calls it, whatever kind of resource it works on: `volume.backup` is `backup`. */
export type Verb =
	| "backup"
	| "copy"
	| "verify"
	| "drill"
	| "plan"
	| "restore"
	| "undo"
	| "prune"
	| "keep"
	| "check"
	| LookingVerb;

/** Whether it only looks: it is no event of its resource, and holds up nothing. */
export function isLooking(operation: WorkName): boolean {
	return lookingVerbs.some((verb) => verb === verbOf(operation));
}

/** Whether it works on its resource's own data, and not only on archives of it: no two may on the same at once. */
export function handlesData(operation: OperationName): boolean {
	return (["backup", "copy", "restore", "undo"] as Verb[]).includes(verbOf(operation));
}

/** Whether it is asked of a host as a whole: its parameters name no resource, but where the host has its archives. */
export function isOfHost(operation: WorkName): boolean {
	return verbOf(operation) === "rescan" || operation.startsWith("repository.");
}

export function isOperationName(name: string): name is OperationName {
	return Object.hasOwn(operations, name);
}

export function isWorkflowName(name: string): name is WorkflowName {
	return Object.hasOwn(workflows, name);
}

export function isWorkName(name: string): name is WorkName {
	return Object.hasOwn(works, name);
}

export function verbOf(operation: WorkName): Verb {
	// The catalogue names everything kind.verb with a verb of the list above.
	return operation.slice(operation.indexOf(".") + 1) as Verb;
}

/** The operation of a verb on a resource: `backup` of `path:/srv/x` is `path.backup`. @throws OperationError unsupported */
export function operationFor(verb: Exclude<Verb, "backup">, resource: ResourceId): OperationName;
export function operationFor(verb: Verb, resource: ResourceId): WorkName;
export function operationFor(verb: Verb, resource: ResourceId): WorkName {
	const name = `${parseResource(resource).kind}.${verb}`;
	if (isWorkName(name)) return name;
	throw new OperationError("unsupported", `${verb} cannot be asked of ${resource}`);
}

/** The resource that parsed parameters name. */
export function resourceOf(params: Params<WorkName>): ResourceId {
	if ("host" in params) return wholeHost(HostName.parse(params.host));
	if ("stack" in params) return resourceId({ kind: "stack", stack: ProjectName.parse(params.stack) });
	return "volume" in params
		? resourceId({ kind: "volume", volume: VolumeName.parse(params.volume) })
		: resourceId({ kind: "path", path: FolderPath.parse(params.path) });
}
