import type { TestContext } from "node:test";

/** Every machine tries the same cases, so that a red test is red again. */
const usualSeed = 20_261_128;

/**
 * What a test's random numbers begin with, which is printed: the same each time, or the whole number in `DAVIT_SEED`, or a new one
 * each time where that says `random`.
 * @throws Error where it says anything else
 */
export function seedOf(t: Pick<TestContext, "diagnostic">): number {
	const seed = chooseSeed(process.env["DAVIT_SEED"]);
	t.diagnostic(`DAVIT_SEED=${seed}`);
	return seed;
}

function chooseSeed(wanted: string | undefined): number {
	if (wanted === undefined) return usualSeed;
	if (wanted === "random") return Math.floor(Math.random() * 2 ** 31);
	const seed = Number(wanted);
	if (/^\d{1,10}$/.test(wanted) && seed < 2 ** 31) return seed;
	throw new Error(`DAVIT_SEED is ${wanted}: give a whole number below 2147483648, or random`);
}

/** Whole numbers from 0 up to, not including, `below`: the same for the same seed (mulberry32). */
export function numbersFrom(seed: number): (below: number) => number {
	let state = seed >>> 0;
	return (below) => {
		state = (state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(state ^ (state >>> 15), state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
	};
}
