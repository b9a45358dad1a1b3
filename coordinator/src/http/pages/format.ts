import type { Instant } from "@davit/protocol";
import { type Html, html } from "../html.ts";

const absolute = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "long" });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const numbers = new Intl.NumberFormat("en-GB");

const spans = [
	{ unit: "d", seconds: 86_400 },
	{ unit: "h", seconds: 3_600 },
	{ unit: "min", seconds: 60 },
	{ unit: "s", seconds: 1 },
] as const;

export function formatCount(count: number): string {
	return numbers.format(count);
}

/** `1 run`, `2 runs`, `1,204 entries`. */
export function countOf(count: number, noun: string, plural = `${noun}s`): string {
	return `${formatCount(count)} ${count === 1 ? noun : plural}`;
}

export function countEntries(count: number): string {
	return countOf(count, "entry", "entries");
}

/** `812 MB`, in powers of 1,000, with three digits. */
export function formatBytes(bytes: number): string {
	const units = ["B", "kB", "MB", "GB", "TB", "PB"];
	const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3));
	const scaled = bytes / 1000 ** power;
	return `${power === 0 || scaled >= 100 ? Math.round(scaled) : scaled.toPrecision(2)} ${units[power]}`;
}

/** `3 d 1 h`, `29 s`, `1.9 s`: the two largest units. */
export function formatSeconds(seconds: number): string {
	if (seconds < 10 && !Number.isInteger(seconds)) return `${seconds.toFixed(1)} s`;
	let rest = Math.max(0, Math.round(seconds));
	const parts: string[] = [];
	for (const { unit, seconds: size } of spans) {
		const count = Math.floor(rest / size);
		rest -= count * size;
		if (count > 0) parts.push(`${count} ${unit}`);
		if (parts.length === 2 || (parts.length === 1 && count === 0)) break;
	}
	return parts.join(" ") || "0 s";
}

/** A moment as people say it; the exact one on hover, and for readers. */
export function moment(at: Instant, now: number): Html {
	const seconds = (Date.parse(at) - now) / 1000;
	return html`<time datetime="${at}" title="${absolute.format(Date.parse(at))}">${sayDistance(seconds)}</time>`;
}

export function momentOrNever(at: Instant | null, now: number): Html {
	return at === null ? html`never` : moment(at, now);
}

/** `14:03:22 UTC` of the machine's own zone. */
export function clockTime(at: Instant): Html {
	return html`<time datetime="${at}" title="${absolute.format(Date.parse(at))}">${clock.format(Date.parse(at))}</time>`;
}

/** The whole date, for tables and paper. */
export function exactTime(at: Instant): string {
	return absolute.format(Date.parse(at));
}

function sayDistance(seconds: number): string {
	const size = Math.abs(seconds);
	if (size < 5) return "now";
	const rounded = formatSeconds(size < 60 ? Math.round(size) : Math.round(size / 60) * 60);
	return seconds < 0 ? `${rounded} ago` : `in ${rounded}`;
}
