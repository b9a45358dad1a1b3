import { setTimeout as sleep } from "node:timers/promises";
import type { Run, RunId } from "@davit/protocol";
import { type Doom, doomsOf } from "./doom.ts";
import type { Life } from "./open-life.ts";
import type { Mortal } from "./start-mortal.ts";

/** Whoever has written nothing for so long has nothing more to write. */
const quietMs = 150;
/** Of a run that has ended, until a doom that did not come is taken for one that will not come. */
const graceMs = 1_000;

/**
 * Every place of the agent's journal that one quiet run of what `ask` asks for passes. Receipts of the two reports are places
 * too, though the first may come so late that there is only one.
 */
export async function findDooms(life: Life, ask: () => RunId): Promise<{ dooms: Doom[]; run: Run }> {
	await settle(life.agent);
	await life.agent.doom("never");
	const run = await life.ended(ask());
	return { dooms: doomsOf(await settle(life.agent)), run };
}

export interface Deaths {
	/** During what is asked for. */
	readonly first: Doom;
	/** Counted from the start of the next life, where it writes so often; the life after that one is healthy. */
	readonly second: Doom;
}

export interface Fate {
	readonly run: Run;
	/** None where the run did not pass the place this time. */
	readonly deaths: 0 | 1 | 2;
}

/** Asks, and lets the agent die where it was told, again in its next life, and then live. */
export async function dieTwice(life: Life, ask: () => RunId, { first, second }: Deaths): Promise<Fate> {
	await settle(life.agent);
	await life.agent.doom(first);
	const run = ask();
	const spared = life.ended(run).then(() => sleep(graceMs));
	await Promise.race([life.agent.death, spared]);
	if (await life.agent.doom("never")) return { run: await life.ended(run), deaths: 0 };
	const next = await life.start(second);
	await Promise.race([next.death, life.ended(run)]);
	const lives = await next.doom("never");
	if (!lives) await life.start();
	return { run: await life.ended(run), deaths: lives ? 1 : 2 };
}

/** Resolves with all that was written when there is no more to come. */
export async function settle(mortal: Mortal): Promise<readonly string[]> {
	let points = await mortal.points();
	while (true) {
		await sleep(quietMs);
		const later = await mortal.points();
		if (later.length === points.length) return later;
		points = later;
	}
}
