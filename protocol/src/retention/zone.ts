/** Offsets change at multiples of this, but for a few: St. John's changed a minute after midnight until 2011. */
const blockMs = 15 * 60_000;
const mostRemembered = 100_000;

const zones = new Map<string, (atMs: number) => number>();

export function isTimeZone(timeZone: string): boolean {
	try {
		offsetsOf(timeZone);
		return true;
	} catch (error) {
		if (error instanceof RangeError) return false;
		throw error;
	}
}

/**
 * The offset from UTC of a time zone's clocks at a moment, both milliseconds.
 * @throws RangeError where there is no such zone
 */
export function offsetsOf(timeZone: string): (atMs: number) => number {
	const known = zones.get(timeZone);
	if (known !== undefined) return known;
	const offsets = timeZone === "UTC" ? () => 0 : remembering(readOffsets(timeZone));
	zones.set(timeZone, offsets);
	return offsets;
}

function remembering(find: (atMs: number) => number): (atMs: number) => number {
	const known = new Map<number, number>();
	const look = (block: number) => {
		const hit = known.get(block);
		if (hit !== undefined) return hit;
		const offset = find(block * blockMs);
		if (known.size >= mostRemembered) known.clear();
		known.set(block, offset);
		return offset;
	};
	return (atMs) => {
		const block = Math.floor(atMs / blockMs);
		const offset = look(block);
		return offset === look(block + 1) ? offset : find(atMs);
	};
}

function readOffsets(timeZone: string): (atMs: number) => number {
	const format = new Intl.DateTimeFormat("en-US", {
		timeZone,
		hourCycle: "h23",
		...{ year: "numeric", month: "numeric", day: "numeric" },
		...{ hour: "numeric", minute: "numeric", second: "numeric" },
	});
	return (atMs) => {
		const parts = new Map(format.formatToParts(atMs).map(({ type, value }) => [type, Number(value)]));
		const part = (type: Intl.DateTimeFormatPartTypes) => parts.get(type) ?? 0;
		const days = Date.UTC(part("year"), part("month") - 1, part("day"));
		const seconds = part("hour") * 3600 + part("minute") * 60 + part("second");
		return days + seconds * 1000 - Math.floor(atMs / 1000) * 1000;
	};
}
