import type { CommandId } from "@davit/protocol";
import { commandLabel } from "./command-label.ts";
import type { Engine } from "./engine.ts";

/** Removes the containers that were made for a command, also those of an earlier life; harmless where there are none. */
export async function removeContainersOf(
	command: CommandId,
	engine: Engine,
	signal: AbortSignal,
): Promise<void> {
	for (const { id, labels } of await engine.containers(signal)) {
		if (labels[commandLabel] === command) await engine.removeContainer(id, signal);
	}
}
