import { type CommandId, handlesData, type OperationName, overlaps, type ResourceId } from "@davit/protocol";
import type { Database } from "./database.ts";

/** The command that holds a resource, if one does. */
export function lockHolder(database: Database, resource: ResourceId): CommandId | undefined {
	return database
		.prepare<[string], { command: CommandId }>("SELECT command FROM locks WHERE resource = ?")
		.get(resource)?.command;
}

export function lock(database: Database, resource: ResourceId, command: CommandId): void {
	database.prepare("INSERT INTO locks VALUES (?, ?)").run(resource, command);
}

/** Lets go of everything that a command holds. */
export function unlock(database: Database, command: CommandId): void {
	database.prepare("DELETE FROM locks WHERE command = ?").run(command);
	database.prepare("DELETE FROM holds WHERE command = ?").run(command);
}

/** The command that holds a resource's data, or some of it or around it, as a part of a stack. */
export function partHolder(database: Database, resource: ResourceId): CommandId | undefined {
	return readHolds(database).find((held) => overlaps(held.resource, resource))?.command;
}

export interface Obstacle {
	readonly resource: ResourceId;
	readonly command: CommandId;
}

/** Holds all of them besides its own resource, or none: then it answers with one that another command is at work on. */
export function holdParts(
	database: Database,
	command: CommandId,
	parts: readonly ResourceId[],
): Obstacle | undefined {
	const others = [...readHolds(database), ...readDataLocks(database)].filter(
		(one) => one.command !== command,
	);
	for (const resource of parts) {
		const other = others.find((held) => overlaps(held.resource, resource));
		if (other !== undefined) return { resource, command: other.command };
	}
	const insert = database.prepare("INSERT OR REPLACE INTO holds VALUES (?, ?)");
	for (const resource of parts) insert.run(resource, command);
	return undefined;
}

/** Only of commands that hold their own resource still: an older Davit lets go of that alone. */
function readHolds(database: Database): Obstacle[] {
	return database
		.prepare<[], Obstacle>("SELECT holds.resource, command FROM holds JOIN locks USING (command)")
		.all();
}

/** Without those that work on archives alone. */
function readDataLocks(database: Database): Obstacle[] {
	return database
		.prepare<[], Obstacle & { readonly operation: OperationName }>(
			"SELECT locks.resource, command, operation FROM locks JOIN operations USING (command)",
		)
		.all()
		.filter(({ operation }) => handlesData(operation));
}
