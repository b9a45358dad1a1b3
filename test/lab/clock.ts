/** A clock that stands until it is moved: hand `now` to a program through its context. */
export type LabClock = {
	/** Milliseconds since 1970, as `Date.now` has them. */
	now(): number;
	advance(durationMs: number): void;
	/** Backwards too: a wrong clock is a fault worth injecting. */
	moveTo(at: Date): void;
};

export function openClock(start = new Date("2026-01-01T00:00:00Z")): LabClock {
	let current = start.getTime();
	return {
		now: () => current,
		advance: (durationMs) => {
			current += durationMs;
		},
		moveTo: (at) => {
			current = at.getTime();
		},
	};
}
