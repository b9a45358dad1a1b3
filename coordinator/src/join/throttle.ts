const windowMs = 60_000;
const mistakesAllowed = 5;
const addressesRemembered = 1000;

/** Turns an address away for the rest of a minute in which it was wrong five times. */
export class Throttle {
	readonly #now: () => number;
	readonly #mistakes = new Map<string, { count: number; sinceMs: number }>();

	constructor(now: () => number) {
		this.#now = now;
	}

	isOpen(address: string): boolean {
		return this.#current(address).count < mistakesAllowed;
	}

	mistake(address: string): void {
		const { count, sinceMs } = this.#current(address);
		// Whoever has thousands of addresses to guess from still has 256 bits to guess.
		if (this.#mistakes.size >= addressesRemembered) this.#mistakes.clear();
		this.#mistakes.set(address, { count: count + 1, sinceMs });
	}

	#current(address: string): { count: number; sinceMs: number } {
		const nowMs = this.#now();
		const known = this.#mistakes.get(address);
		return known !== undefined && nowMs - known.sinceMs < windowMs ? known : { count: 0, sinceMs: nowMs };
	}
}
