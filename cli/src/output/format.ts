import type { RunState, StateWord } from "@davit/protocol";
import type { Screen, StyleName } from "../context.ts";

const sizeUnits = ["B", "kB", "MB", "GB", "TB", "PB"];

/** `812 MB`: powers of 1000, three digits. */
export function formatBytes(bytes: number): string {
	let value = bytes;
	let unit = 0;
	while (value >= 999.5 && unit < sizeUnits.length - 1) {
		value /= 1000;
		unit += 1;
	}
	const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
	return `${value.toFixed(digits)} ${sizeUnits[unit]}`;
}

/** `4.4 s`, `2 min 5 s`, `3 h 12 min`, `3 d 1 h`. */
export function formatSeconds(seconds: number): string {
	if (seconds < 10) return `${(Math.round(seconds * 10) / 10).toString()} s`;
	const whole = Math.round(seconds);
	if (whole < 60) return `${whole} s`;
	if (whole < 3600) return twoUnits(whole, { size: 60, name: "min" }, { size: 1, name: "s" });
	if (whole < 86_400) return twoUnits(whole, { size: 3600, name: "h" }, { size: 60, name: "min" });
	return twoUnits(whole, { size: 86_400, name: "d" }, { size: 3600, name: "h" });
}

interface TimeUnit {
	readonly size: number;
	readonly name: string;
}

function twoUnits(seconds: number, large: TimeUnit, small: TimeUnit): string {
	const whole = Math.floor(seconds / large.size);
	const rest = Math.floor((seconds % large.size) / small.size);
	return rest === 0 ? `${whole} ${large.name}` : `${whole} ${large.name} ${rest} ${small.name}`;
}

/** `3 min ago`, `in 2 h`, `now`. */
export function formatRelative(at: string, nowMs: number): string {
	const seconds = (Date.parse(at) - nowMs) / 1000;
	if (Math.abs(seconds) < 1) return "now";
	const size = formatSeconds(Math.max(1, Math.round(Math.abs(seconds))));
	return seconds < 0 ? `${size} ago` : `in ${size}`;
}

/** `2026-11-22 02:14` in the time zone of the person who reads it. */
export function formatInstant(at: string): string {
	const time = new Date(at);
	const two = (value: number): string => String(value).padStart(2, "0");
	const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
	return `${day} ${two(time.getHours())}:${two(time.getMinutes())}`;
}

/** `14:03:22` in the time zone of the person who reads it. */
export function formatClock(at: string): string {
	return new Date(at).toTimeString().slice(0, 8);
}

export function formatCount(count: number, noun: string): string {
	return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

interface Mark {
	readonly unicode: string;
	readonly ascii: string;
	readonly colour: StyleName;
}

const bad = { unicode: "✖", ascii: "x", colour: "red" } as const;
const wanting = { unicode: "○", ascii: "~", colour: "yellow" } as const;
const going = { unicode: "▶", ascii: ">", colour: "cyan" } as const;
const quiet = { unicode: "–", ascii: "-", colour: "gray" } as const;

const marks: Readonly<Record<StateWord | RunState, Mark>> = {
	inconsistent: { unicode: "‼", ascii: "!!", colour: "red" },
	unknown: { unicode: "?", ascii: "?", colour: "yellow" },
	failed: bad,
	rejected: bad,
	expired: bad,
	overdue: { unicode: "◷", ascii: "~", colour: "yellow" },
	partial: { unicode: "◐", ascii: "~", colour: "yellow" },
	running: going,
	requested: going,
	accepted: going,
	unproven: wanting,
	unprotected: wanting,
	safe: { unicode: "✔", ascii: "ok", colour: "green" },
	succeeded: { unicode: "✔", ascii: "ok", colour: "green" },
	ignored: quiet,
	cancelled: quiet,
};

/** A state's shape in its colour; the word stands beside it. */
export function markOf(state: StateWord | RunState, screen: Screen): string {
	const mark = marks[state];
	return screen.style(mark.colour, screen.hasUnicode ? mark.unicode : mark.ascii);
}
