import { OperationError } from "@davit/protocol";
import type { Engine } from "../docker/engine.ts";
import { findHolders } from "./find-holders.ts";
import { findAliveUsers } from "./find-users.ts";
import type { Place } from "./place.ts";
import type { Treated } from "./plan-treatment.ts";
import type { DataPath } from "./reach-place.ts";

export interface Held {
	readonly place: Place;
	readonly dataPath: DataPath;
	/** They will be stopped, or were: what they have open counts for nothing. */
	readonly treated: readonly Treated[];
}

interface Asking {
	readonly engine: Engine | undefined;
	readonly signal: AbortSignal;
}

/**
 * Something of this machine that would go on with the data that is about to be moved, as the failure it is. Only root sees it all,
 * and in a helper container nothing of it is seen.
 */
export async function strangeHolder(
	{ place, dataPath, treated }: Held,
	{ engine, signal }: Asking,
): Promise<OperationError | undefined> {
	if (!place.exists || dataPath !== "host-path" || process.geteuid?.() !== 0) return undefined;
	const known: number[] = [];
	for (const { id } of treated) {
		const container = await engine?.container(id, signal);
		if (container !== undefined && container.pid !== 0) known.push(container.pid);
	}
	const [holder, ...others] = await findHolders({ folder: place.folder, known });
	if (holder === undefined) return undefined;
	const more = others.length === 0 ? "" : `, and ${others.length} more hold it`;
	return new OperationError("resource-in-use", `${place.resource} is in use: ${holder}${more}`, {
		hint: "end that process or unmount it, then try again",
	});
}

/**
 * Looks a last time before data is moved: a container that somebody started meanwhile would go on with it, and so would a process.
 * @throws OperationError resource-in-use
 */
export async function refuseHolders(held: Held, asking: Asking): Promise<void> {
	const { place } = held;
	const users = await findAliveUsers(place, asking.engine, asking.signal);
	const user = users.find(({ writes, holds }) => writes || holds);
	if (user !== undefined) {
		throw new OperationError(
			"resource-in-use",
			`container ${user.container} was started while ${place.resource} was being replaced`,
			{ hint: `find out who starts ${user.container}, then make the plan again` },
		);
	}
	const stranger = await strangeHolder(held, asking);
	if (stranger !== undefined) throw stranger;
}
