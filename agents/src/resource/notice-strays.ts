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
		const what = await whatHappened(container, surroundings);
		if (what !== undefined) {
			warnings.push(`container ${container.name} was ${what} while Davit had it ${container.treatment}`);
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

async function whatHappened(
	{ id, treatment, startedAt }: Treated,
	{ engine, signal, sinceMs, now }: Surroundings,
): Promise<string | undefined> {
	const found = await engine.container(id, signal);
	if (found === undefined) return "removed";
	if (found.startedAt !== startedAt) return "started";
	if (treatment !== "paused" || found.state === "paused") return undefined;
	if (found.state === "running") return "unpaused";
	// Whoever ends a paused container lets it run once more, to its end; an engine that starts again does so with each.
	const isTold = await engine.wasToldToEnd({ id, sinceMs, untilMs: now() }, signal);
	return isTold ? "told to end" : undefined;
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
