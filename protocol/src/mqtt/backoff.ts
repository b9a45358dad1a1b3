const capMs = 60_000;
const firstMs = 1_000;

/** A connection that lived shorter than this counts as failed, so that a broker that accepts and drops is not hammered. */
export const youngMs = 30_000;

/**
 * Milliseconds to wait before the next attempt: anywhere between nothing and a ceiling that doubles from 1 s to 60 s with each
 * failure in a row (full jitter), so that a thousand agents do not come back in the same instant.
 */
export function backoffMs(failures: number, random: () => number): number {
	return Math.floor(random() * Math.min(capMs, firstMs * 2 ** Math.min(failures, 30)));
}

/** The wait after a refused password or a lost client id: 30 to 60 s, because only a person can change the outcome. */
export function refusedBackoffMs(random: () => number): number {
	return Math.floor(capMs / 2 + random() * (capMs / 2));
}
