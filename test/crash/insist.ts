import assert from "node:assert/strict";
import type { Doom, Place } from "./doom.ts";

const attempts = 8;

/**
 * A round anew where its request did not pass the place; how often it died. How often reports of progress and shown states come, and
 * which ends meet in one tick, is not the same each time; but each kind of write comes at least once.
 */
export async function insist(
	first: Place,
	second: Doom,
	round: (first: Place, second: Doom) => Promise<number>,
): Promise<number> {
	for (let attempt = 1; attempt <= (first.time === 1 ? attempts : 2); attempt += 1) {
		try {
			const deaths = await round(first, second);
			if (deaths > 0) return deaths;
		} catch (cause) {
			const where = `killed at ${JSON.stringify(first)}, then at ${JSON.stringify(second)}`;
			throw new Error(`${where}: ${cause instanceof Error ? cause.message : cause}`, { cause });
		}
	}
	assert.ok(first.time > 1, `${attempts} requests did not pass ${JSON.stringify(first)}`);
	return 0;
}
