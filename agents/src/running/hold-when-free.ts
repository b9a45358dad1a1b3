import type { CommandId, ResourceId } from "@davit/protocol";
import { busy } from "../core/busy.ts";
import type { Journal } from "../journal/journal.ts";
import { holdParts } from "../journal/locks.ts";
import type { Accepted } from "../journal/operations.ts";

interface Waiting {
	readonly journal: Journal;
	readonly signal: AbortSignal;
	/** Of a command that is under way in this life of the agent, its end. */
	readonly doneOf: (command: CommandId) => Promise<void> | undefined;
	readonly onWait: () => void;
}

/**
 * Holds all of `parts` for the command, once nothing else is at work on any of them. Who waits here holds only a stack, for which
 * nobody waits, so two never wait for each other.
 * @throws OperationError resource-busy where what is in the way was left for a person, or has not begun; the signal's reason
 */
export async function holdWhenFree(
	{ command, operation, resource }: Pick<Accepted, "command" | "operation" | "resource">,
	parts: readonly ResourceId[],
	{ journal, signal, doneOf, onWait }: Waiting,
): Promise<void> {
	for (;;) {
		signal.throwIfAborted();
		const obstacle = journal.write("hold", (database) => holdParts(database, command, parts));
		if (obstacle === undefined) return;
		const done = doneOf(obstacle.command);
		if (done === undefined) {
			const refused = { operation, resource, holder: obstacle.command, part: obstacle.resource };
			throw journal.read((database) => busy(database, refused));
		}
		onWait();
		await untilOver(done, signal);
	}
}

/** Rejects with the signal's reason where that comes first. */
async function untilOver(done: Promise<void>, signal: AbortSignal): Promise<void> {
	const settled = new AbortController();
	const aborted = Promise.withResolvers<never>();
	signal.addEventListener("abort", () => aborted.reject(signal.reason), { signal: settled.signal });
	try {
		await Promise.race([done, aborted.promise]);
	} finally {
		settled.abort();
	}
}
