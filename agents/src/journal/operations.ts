import type {
	CommandId,
	FailureReport,
	Instant,
	OperationName,
	ResourceId,
	RunCommand,
	RunId,
} from "@davit/protocol";
import type { Database } from "./database.ts";

export type Phase = "accepted" | "started" | "undoing" | "ended";
export type Facts = Readonly<Record<string, unknown>>;

/** A command that was accepted, as the journal holds it. */
export interface Accepted {
	readonly command: CommandId;
	readonly run: RunId;
	readonly operation: OperationName;
	readonly resource: ResourceId;
	readonly params: Readonly<Record<string, unknown>>;
	readonly fence: number;
	readonly startBy: Instant;
	readonly deadlineSeconds: number;
	readonly phase: Phase;
	/** What `prepare` found; undefined until it was written down. */
	readonly facts: Facts | undefined;
	/** Why it is being undone. */
	readonly failure: FailureReport | undefined;
	/** How many lives of the agent found it begun and not ended. */
	readonly loads: number;
}

interface Row {
	readonly command: CommandId;
	readonly run: RunId;
	readonly operation: OperationName;
	readonly resource: ResourceId;
	readonly params: string;
	readonly fence: number;
	readonly start_by: Instant;
	readonly deadline_seconds: number;
	readonly phase: Phase;
	readonly facts: string | null;
	readonly failure: string | null;
	readonly loads: number;
}

/** `params` are those of the catalogue, parsed. */
export function addOperation(
	database: Database,
	command: RunCommand,
	params: Readonly<Record<string, unknown>>,
): void {
	database
		.prepare("INSERT INTO operations VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'accepted', NULL, NULL, 0)")
		.run(
			command.id,
			command.run,
			command.operation,
			command.resource,
			JSON.stringify(params),
			command.fence,
			command.startBy,
			command.deadlineSeconds,
		);
}

export function findOperation(database: Database, command: CommandId): Accepted | undefined {
	const row = database.prepare<[string], Row>("SELECT * FROM operations WHERE command = ?").get(command);
	return row === undefined ? undefined : accepted(row);
}

/** Oldest first. */
export function openOperations(database: Database): readonly Accepted[] {
	return database
		.prepare<[], Row>("SELECT * FROM operations WHERE phase <> 'ended' ORDER BY command")
		.all()
		.map(accepted);
}

/** The newest of a resource, open or ended; plans and looks into archives do not count. */
export function newestOperation(database: Database, resource: ResourceId): Accepted | undefined {
	const row = database
		.prepare<[string], Row>(
			`SELECT * FROM operations WHERE resource = ?
			AND substr(operation, instr(operation, '.') + 1) NOT IN ('plan', 'browse', 'diff', 'get', 'rescan')
			AND operation NOT LIKE 'repository.%'
			ORDER BY command DESC LIMIT 1`,
		)
		.get(resource);
	return row === undefined ? undefined : accepted(row);
}

export function setPhase(database: Database, command: CommandId, phase: Phase): void {
	database.prepare("UPDATE operations SET phase = ? WHERE command = ?").run(phase, command);
}

export function setFacts(database: Database, command: CommandId, facts: Facts): void {
	database.prepare("UPDATE operations SET facts = ? WHERE command = ?").run(JSON.stringify(facts), command);
}

/** From here on it is undone, whatever happens to this process. */
export function setUndoing(database: Database, command: CommandId, failure: FailureReport): void {
	database
		.prepare("UPDATE operations SET phase = 'undoing', failure = ? WHERE command = ?")
		.run(JSON.stringify(failure), command);
}

/** Counts another life; reports of this life get numbers above all that earlier lives may have sent unwritten. */
export function countLoad(database: Database, command: CommandId): void {
	database.prepare("UPDATE operations SET loads = loads + 1 WHERE command = ?").run(command);
	database
		.prepare(
			`UPDATE inbox SET sequence = max(sequence,
				1000000 * (SELECT loads FROM operations WHERE command = inbox.command)) WHERE command = ?`,
		)
		.run(command);
}

/** The lives that ended so far did not end because of it. */
export function forgiveLoads(database: Database, command: CommandId): void {
	database.prepare("UPDATE operations SET loads = 0 WHERE command = ? AND loads > 0").run(command);
}

export function seenFence(database: Database, resource: string): number {
	const row = database
		.prepare<[string], { fence: number }>("SELECT fence FROM fences WHERE resource = ?")
		.get(resource);
	return row?.fence ?? -1;
}

/** A fence never falls. */
export function seeFence(database: Database, resource: string, fence: number): void {
	database
		.prepare(
			"INSERT INTO fences VALUES (?, ?) ON CONFLICT (resource) DO UPDATE SET fence = max(fence, excluded.fence)",
		)
		.run(resource, fence);
}

function accepted({ start_by, deadline_seconds, params, facts, failure, ...row }: Row): Accepted {
	return {
		...row,
		startBy: start_by,
		deadlineSeconds: deadline_seconds,
		// This file wrote all three, from values of these types.
		params: JSON.parse(params) as Accepted["params"],
		facts: facts === null ? undefined : (JSON.parse(facts) as Facts),
		failure: failure === null ? undefined : (JSON.parse(failure) as FailureReport),
	};
}
