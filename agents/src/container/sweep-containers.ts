import type { CommandId } from "@davit/protocol";
import { commandLabel } from "../docker/command-label.ts";
import type { Engine } from "../docker/engine.ts";
import { agentLabel, agentOf } from "./run-contained.ts";

export interface Sweep {
	readonly engine: Engine;
	/** The agent's. */
	readonly home: string;
	/** Commands that are under way, and remove theirs by themselves. */
	readonly open: ReadonlySet<CommandId>;
}

/** Removes helper containers that a killed agent of this home left for commands that ended; returns their ids. */
export async function sweepContainers(
	{ engine, home, open }: Sweep,
	signal: AbortSignal,
): Promise<readonly string[]> {
	const ours = agentOf(home);
	const commands: ReadonlySet<string> = open;
	const swept: string[] = [];
	for (const { id, labels } of await engine.containers(signal)) {
		if (labels[agentLabel] !== ours || commands.has(labels[commandLabel] ?? "")) continue;
		await engine.removeContainer(id, signal);
		swept.push(id);
	}
	return swept;
}
