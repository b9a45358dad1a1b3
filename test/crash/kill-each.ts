import assert from "node:assert/strict";
import type { Deaths, Fate } from "./die-twice.ts";
import type { Doom } from "./doom.ts";

/** What the kills are spread over: as many work at once as there are. */
export interface Worked {
	rounds: number;
}

/** One life and its deaths, with all that must be true after it; throws where it is not. */
type Round<Track> = (track: Track, deaths: Deaths) => Promise<Fate>;

/** The second life dies at one of its first so many writes. */
const secondDeaths = 10;
const attempts = 8;

/** Gives every doom a round, as many at once as there are tracks. Says what came of them. */
export async function killEach<Track extends Worked>(
	dooms: readonly Doom[],
	tracks: readonly Track[],
	round: Round<Track>,
): Promise<string> {
	const waiting = [...dooms.entries()];
	const fates: Fate[] = [];
	const beganMs = performance.now();
	const work = async (track: Track) => {
		for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
			const [index, first] = next;
			const second = { write: 1 + (index % secondDeaths) };
			fates.push(await insist(track, { first, second }, round));
		}
	};
	await Promise.all(tracks.map(work));
	assert.equal(fates.length, dooms.length);
	const twice = fates.filter(({ deaths }) => deaths === 2).length;
	assert.ok(twice > dooms.length / 3, `only ${twice} of ${dooms.length} second lives died`);
	const done = fates.filter(({ run }) => run.state === "succeeded").length;
	assert.ok(
		done > 0 && done < fates.length,
		"all rounds ended alike, so the kills cannot have hit the middle",
	);
	const seconds = Math.round((performance.now() - beganMs) / 1000);
	return `${dooms.length} places, each killed there, ${twice} of them again in the next life; ${done} done, ${
		fates.length - done
	} undone; ${seconds} s`;
}

/** The round anew where its run did not pass the place. */
async function insist<Track extends Worked>(
	track: Track,
	deaths: Deaths,
	round: Round<Track>,
): Promise<Fate> {
	const where = `killed at ${JSON.stringify(deaths.first)}, then at ${JSON.stringify(deaths.second)}`;
	for (let attempt = 1; attempt <= attempts; attempt += 1) {
		track.rounds += 1;
		try {
			const fate = await round(track, deaths);
			if (fate.deaths > 0) return fate;
		} catch (cause) {
			throw new Error(`${where}: ${cause instanceof Error ? cause.message : cause}`, { cause });
		}
	}
	throw new Error(`${where}: ${attempts} runs did not pass there`);
}
