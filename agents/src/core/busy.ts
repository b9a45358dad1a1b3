import { type CommandId, OperationError, type OperationName, type ResourceId } from "@davit/protocol";
import type { Database } from "../journal/database.ts";
import { findOperation } from "../journal/operations.ts";

interface Refused {
	readonly operation: OperationName;
	readonly resource: ResourceId;
	/** The command that is in the way. */
	readonly holder: CommandId;
	/** Of a stack: the volume or folder that it is at work on. */
	readonly part?: ResourceId;
}

/** Why an operation cannot begin now: who is at work on the same data, or left it for a person to look at. */
export function busy(database: Database, { operation, resource, holder, part }: Refused): OperationError {
	const holding = findOperation(database, holder);
	const what = `${operation} of ${resource} was refused`;
	const held = part ?? "it";
	if (holding?.phase === "ended") {
		return new OperationError(
			"resource-busy",
			`${what}: ${holding.operation} of ${holding.run} left ${held} inconsistent and keeps it locked`,
			{ hint: `read davit show ${holding.run}; a person must decide` },
		);
	}
	const isPart = part === undefined && holding !== undefined && holding.resource !== resource;
	const as = isPart ? ` as a part of ${holding.resource}` : "";
	return new OperationError(
		"resource-busy",
		`${what}: ${holding?.operation} of ${holding?.run} holds ${held}${as}`,
	);
}
