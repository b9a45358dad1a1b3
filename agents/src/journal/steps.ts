import type { CommandId } from "@davit/protocol";
import type { Database } from "./database.ts";

export type Output = Readonly<Record<string, unknown>>;

/** A step that was begun. */
export interface BegunStep {
	readonly number: number;
	readonly name: string;
	readonly commits: boolean;
	readonly state: "intent" | "done" | "undone";
	/** What `run` returned; undefined as well where a crash hid it. */
	readonly output: Output | undefined;
}

interface Row {
	readonly number: number;
	readonly name: string;
	readonly commits: number;
	readonly state: BegunStep["state"];
	readonly output: string | null;
}

/** In the order in which they were begun. */
export function begunSteps(database: Database, command: CommandId): readonly BegunStep[] {
	return database
		.prepare<[string], Row>(
			"SELECT number, name, commits, state, output FROM steps WHERE command = ? ORDER BY number",
		)
		.all(command)
		.map(({ commits, output, ...row }) => ({
			...row,
			commits: commits === 1,
			// `finishStep` wrote it from a value of this type.
			output: output === null ? undefined : (JSON.parse(output) as Output),
		}));
}

/** Writes down that the step is about to have its effect; again after a crash. */
export function beginStep(
	database: Database,
	command: CommandId,
	step: Pick<BegunStep, "number" | "name" | "commits"> & { readonly intent: Output },
): void {
	database
		.prepare("INSERT OR REPLACE INTO steps VALUES (?, ?, ?, ?, ?, 'intent', NULL)")
		.run(command, step.number, step.name, JSON.stringify(step.intent), step.commits ? 1 : 0);
}

export function finishStep(
	database: Database,
	command: CommandId,
	{ number, output }: { readonly number: number; readonly output: Output | undefined },
): void {
	database
		.prepare("UPDATE steps SET state = 'done', output = ? WHERE command = ? AND number = ?")
		.run(output === undefined ? null : JSON.stringify(output), command, number);
}

export function markUndone(database: Database, command: CommandId, number: number): void {
	database.prepare("UPDATE steps SET state = 'undone' WHERE command = ? AND number = ?").run(command, number);
}
