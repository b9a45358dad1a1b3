import type { InnerPath } from "@davit/protocol";
import { AskedConsistency, HookNames, RepositoryName } from "@davit/protocol";
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

/** The number of an entry, counted from 0. @throws CommandError usage */
export function indexOption(invocation: Invocation, name: string): number | undefined {
	const text = textOption(invocation, name);
	if (text === undefined || /^\d{1,9}$/.test(text)) return text === undefined ? undefined : Number(text);
	throw usageError(`--${dashed(name)} ${text} is not a whole number from 0 on`, `--${dashed(name)} 200`);
}

/** A path inside an archive, from its root. @throws CommandError usage */
export function innerPath(text: string): InnerPath {
	const path = text.replace(/^\.\//, "").replace(/\/$/, "");
	const parts = path.split("/");
	if (!/\p{Cc}/u.test(path) && !parts.some((part) => part === "" || part === "." || part === "..")) {
		// What was just checked is all that the brand says.
		return path as InnerPath;
	}
	throw usageError(
		`${JSON.stringify(text)} is no path inside an archive`,
		"write it from the archive's root, as in plugins/panel.json, without a slash before it and without ..",
	);
}

/** @throws CommandError usage */
export function consistencyOption(invocation: Invocation): AskedConsistency | undefined {
	const text = textOption(invocation, "consistency");
	if (text === undefined) return undefined;
	const asked = AskedConsistency.safeParse(text);
	if (asked.success) return asked.data;
	const known = `--consistency ${AskedConsistency.options.join(", ").replace(/, (?=\w+$)/, " or ")}`;
	if (text !== "engine-native") throw usageError(`--consistency ${text} is not known`, known);
	throw usageError(
		"--consistency engine-native cannot be asked for: this Davit copies files, no database's own dump",
		known,
	);
}

/** A share such as `10%` or `0.5`. @throws CommandError usage */
export function percentOption(invocation: Invocation, name: string): number | undefined {
	const text = textOption(invocation, name);
	if (text === undefined) return undefined;
	const [, digits = ""] = /^(\d{1,3}(?:\.\d{1,6})?)\s?%?$/.exec(text.trim()) ?? [];
	const percent = Number(digits);
	if (digits !== "" && percent > 0 && percent <= 100) return percent;
	throw usageError(
		`--${dashed(name)} ${text} is not a share above 0 % and up to 100 %`,
		`--${dashed(name)} 10%`,
	);
}

/** `--hooks a,b`, or `none`. @throws CommandError usage */
export function hooksOption(invocation: Invocation): string[] | undefined {
	const text = textOption(invocation, "hooks");
	if (text === undefined) return undefined;
	const names = HookNames.safeParse(text === "none" ? [] : text.split(","));
	if (names.success) return names.data;
	throw usageError(`--hooks ${JSON.stringify(text)} names no hooks`, "--hooks flush,thaw or --hooks none");
}

/** A restic repository of the host's configuration. @throws CommandError usage */
export function repositoryOption(invocation: Invocation): RepositoryName | undefined {
	const text = textOption(invocation, "to");
	if (text === undefined) return undefined;
	const name = RepositoryName.safeParse(text);
	if (name.success) return name.data;
	throw usageError(
		`--to ${JSON.stringify(text)} is no repository's name`,
		"--to disk, as repositories in agent.json",
	);
}

function dashed(name: string): string {
	return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
