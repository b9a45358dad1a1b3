import { usageError } from "./command-error.ts";
import { type Invocation, textOption } from "./context.ts";

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, min: 60, h: 3600, d: 86_400 };

/** An option such as `90s`, `10m`, `2h`, `1d`, in seconds; a bare number is seconds. @throws CommandError usage */
export function durationOption(invocation: Invocation, name: string): number | undefined {
	const text = textOption(invocation, name);
	if (text === undefined) return undefined;
	const [, digits = "", unit = "s"] = /^(\d+(?:\.\d+)?)(s|m|min|h|d)?$/.exec(text.trim()) ?? [];
	const seconds = Number(digits) * (unitSeconds[unit] ?? Number.NaN);
	// A timer of more milliseconds fires at once.
	if (digits !== "" && seconds <= 24 * 86_400) return seconds;
	throw usageError(
		`--${dashed(name)} ${text} is not a duration`,
		`--${dashed(name)} 90s, 10m, 2h or 1d, at most 24d`,
	);
}

/** @throws CommandError usage */
export function numberOption(invocation: Invocation, name: string): number | undefined {
	const text = textOption(invocation, name);
	if (text === undefined) return undefined;
	const number = Number(text);
	if (/^\d{1,9}$/.test(text) && number >= 1) return number;
	throw usageError(`--${dashed(name)} ${text} is not a whole number from 1 on`, `--${dashed(name)} 14`);
}

/** @throws CommandError usage */
export function consistencyOption(invocation: Invocation): "stopped" | "paused" | "live" | undefined {
	const text = textOption(invocation, "consistency");
	if (text === undefined || text === "stopped" || text === "paused" || text === "live") return text;
	throw usageError(`--consistency ${text} is not known`, "--consistency stopped, paused or live");
}

function dashed(name: string): string {
	return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
