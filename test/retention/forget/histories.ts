import type { RetentionPolicy } from "@davit/protocol";

/** When backups were made, the oldest first, and in which zone its owner lives. */
export interface History {
	readonly name: string;
	readonly zone: string;
	/** ISO 8601 in UTC, whole seconds. */
	readonly times: readonly string[];
	/** One pause between two backups is more than twice as long as every other: Davit lets it age nothing beyond that (ADR 0052). */
	readonly hasPause?: true;
}

/** The same wish in Davit's words and in restic's. */
export interface Wish {
	readonly policy: RetentionPolicy;
	readonly flags: readonly string[];
}

const hourS = 3600;
const dayS = 24 * hourS;

/** Always the same: steps are drawn with a fixed seed. */
export function makeHistories(): readonly History[] {
	const endS = Date.UTC(2026, 10, 22, 12) / 1000;
	return [
		{
			name: "steady",
			zone: "UTC",
			times: timesBefore(
				endS,
				steps(7, [
					[40, hourS],
					[60, dayS],
					[30, 7 * dayS],
					[20, 30 * dayS],
				]),
			),
		},
		{
			name: "berlin",
			zone: "Europe/Berlin",
			times: timesBefore(
				endS,
				steps(11, [
					[14, 6 * hourS],
					[26, 2 * dayS],
				]),
			),
		},
		{
			name: "pause",
			hasPause: true,
			zone: "UTC",
			times: timesBefore(endS, [...steps(3, [[8, dayS]]), 90 * dayS, ...steps(5, [[6, dayS]])]),
		},
		{ name: "few", hasPause: true, zone: "UTC", times: timesBefore(endS, [dayS, 8 * dayS, 40 * dayS]) },
	];
}

export const wishes: readonly Wish[] = [
	wish({ last: 1 }),
	wish({ last: 7 }),
	wish({ hourly: 5 }),
	wish({ hourly: 30 }),
	wish({ daily: 7 }),
	wish({ daily: 200 }),
	wish({ weekly: 5 }),
	wish({ weekly: 60 }),
	wish({ monthly: 6 }),
	wish({ monthly: 40 }),
	wish({ yearly: 2 }),
	wish({ yearly: 9 }),
	wish({ withinSeconds: 2 * dayS }),
	wish({ withinSeconds: 30 * dayS }),
	wish({ withinSeconds: 100 * dayS }),
	wish({ last: 3, daily: 7, weekly: 4, monthly: 12, yearly: 3 }),
	wish({ hourly: 24, daily: 14, weekly: 8, monthly: 6, withinSeconds: 3 * dayS }),
];

function wish(policy: RetentionPolicy): Wish {
	const { withinSeconds, last, hourly, daily, weekly, monthly, yearly } = policy;
	const counted = Object.entries({ last, hourly, daily, weekly, monthly, yearly });
	const flags = counted.flatMap(([rule, count]) =>
		count === undefined ? [] : [`--keep-${rule}`, String(count)],
	);
	const within = withinSeconds === undefined ? [] : ["--keep-within", `${withinSeconds / hourS}h`];
	return { policy, flags: [...flags, ...within] };
}

/** Each so many times, half to one and a half of its length. */
function steps(seed: number, wanted: readonly (readonly [count: number, seconds: number])[]): number[] {
	let state = seed;
	return wanted.flatMap(([count, seconds]) =>
		Array.from({ length: count }, () => {
			state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
			return Math.round(seconds * (0.5 + state / 2 ** 32));
		}),
	);
}

function timesBefore(endS: number, stepsBack: readonly number[]): readonly string[] {
	let atS = endS;
	const times = [atS, ...stepsBack.map((step) => (atS -= step))];
	return times.reverse().map((seconds) => new Date(seconds * 1000).toISOString());
}
