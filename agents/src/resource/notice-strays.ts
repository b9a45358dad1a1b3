import type { Engine } from "../docker/engine.ts";
import { findAliveUsers } from "./find-users.ts";
import type { Place } from "./place.ts";
import type { Treated } from "./plan-treatment.ts";

/** Containers that wrote, or may have, while they should have been still; a sentence each. */
export async function noticeStrays(
	treated: readonly Treated[],
	place: Place,
	{ engine, signal }: { readonly engine: Engine; readonly signal: AbortSignal },
): Promise<string[]> {
	const warnings: string[] = [];
	for (const container of treated) {
		const found = await engine.container(container.id, signal);
		if (found === undefined)
			warnings.push(`container ${container.name} was removed while it was ${container.treatment}`);
		else if (found.startedAt !== container.startedAt) {
			warnings.push(`container ${container.name} was started while Davit had it ${container.treatment}`);
		} else if (container.treatment === "paused" && found.state === "running") {
			warnings.push(`container ${container.name} was unpaused while Davit had it paused`);
		}
	}
	const known = new Set(treated.map(({ id }) => id));
	for (const user of await findAliveUsers(place, engine, signal)) {
		const isNew = !known.has(user.id) && user.writes && user.state !== "paused";
		if (isNew) warnings.push(`container ${user.container} began to write meanwhile`);
	}
	return warnings;
}
