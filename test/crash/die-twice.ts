import type { Run, RunId } from "@davit/protocol";
import { type Doom, doomsOf } from "./doom.ts";
import { deathOf, type Lane } from "./open-lane.ts";

/** Every place of the agent's journal that one quiet run of what `ask` asks for passes. */
export async function findDooms(lane: Lane, ask: () => RunId): Promise<{ dooms: Doom[]; run: Run }> {
	await lane.agent.doom("never");
	const run = await lane.ended(ask());
	let points: readonly string[] = [];
	// The coordinator's receipts for both of its reports are the last thing that is written.
	while (points.filter((point) => point === "after receipt").length < 2) points = await lane.agent.points();
	return { dooms: doomsOf(points), run };
}

export interface Deaths {
	/** During what is asked for. */
	readonly first: Doom;
	/** Counted from the start of the next life, where it writes so often; the life after that one is healthy. */
	readonly second: Doom;
}

/** Asks, and lets the agent die where it was told, again in its next life, and then live. */
export async function dieTwice(
	lane: Lane,
	ask: () => RunId,
	{ first, second }: Deaths,
): Promise<{ readonly run: Run; readonly deaths: number }> {
	await lane.agent.doom(first);
	const run = ask();
	await deathOf(lane.agent, first);
	const next = await lane.start(second);
	await Promise.race([next.death, lane.ended(run)]);
	const lives = await next.doom("never");
	if (!lives) await lane.start();
	return { run: await lane.ended(run), deaths: lives ? 1 : 2 };
}
