import { parseResource } from "@davit/protocol";
import { commandLabel } from "../docker/command-label.ts";
import type { Engine } from "../docker/engine.ts";
import { findAliveUsers } from "./find-users.ts";
import type { Place } from "./place.ts";
import type { Treated } from "./plan-treatment.ts";

interface Surroundings {
	readonly engine: Engine;
	readonly signal: AbortSignal;
	/** When the operation looked who uses the place. */
	readonly sinceMs: number;
	readonly now: () => number;
}

/** Containers that wrote, or may have, while they should have been still; a sentence each. */
export async function noticeStrays(
	treated: readonly Treated[],
	place: Place,
	surroundings: Surroundings,
): Promise<string[]> {
	const { engine, signal } = surroundings;
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
		if (known.has(user.id) || !user.writes || user.state === "paused") continue;
		warnings.push(`container ${user.container} began to write meanwhile`);
		known.add(user.id);
	}
	return [...warnings, ...(await noticeGone(known, place, surroundings))];
}

/** Who came and went in between: the engine tells who mounted a volume. Of a folder it does not. */
async function noticeGone(
	known: ReadonlySet<string>,
	{ resource }: Place,
	{ engine, signal, sinceMs, now }: Surroundings,
): Promise<string[]> {
	const parsed = parseResource(resource);
	if (parsed.kind !== "volume") return [];
	const warnings: string[] = [];
	for (const id of await engine.whoMounted({ volume: parsed.volume, sinceMs, untilMs: now() }, signal)) {
		if (known.has(id)) continue;
		const found = await engine.container(id, signal);
		if (found?.labels[commandLabel] !== undefined) continue;
		warnings.push(`container ${found?.name ?? id.slice(0, 12)} came and went meanwhile, and could write`);
	}
	return warnings;
}
