import { isTimeZone, parseDurationSeconds, type RetentionPolicy } from "@davit/protocol";
import { usageError } from "./command-error.ts";
import { type Invocation, textOption } from "./context.ts";
import { numberOption } from "./options.ts";

const counts = {
	keepLast: "last",
	keepHourly: "hourly",
	keepDaily: "daily",
	keepWeekly: "weekly",
	keepMonthly: "monthly",
	keepYearly: "yearly",
	keepAtLeast: "minimumGood",
} as const satisfies Record<string, keyof RetentionPolicy>;
const durations = { keepWithin: "withinSeconds", keepGrace: "graceSeconds" } as const;
const most = 10_000;
const longestSeconds = 200 * 366 * 86_400;

/** The policy that the options say; undefined where they say none. @throws CommandError usage */
export function policyOption(invocation: Invocation): RetentionPolicy | undefined {
	const policy: RetentionPolicy = {};
	for (const [option, rule] of Object.entries(counts)) {
		const number = numberOption(invocation, option);
		if (number === undefined) continue;
		if (number > most)
			throw usageError(`${dashed(option)} ${number} is more than ${most}`, `${dashed(option)} 14`);
		policy[rule] = number;
	}
	for (const [option, rule] of Object.entries(durations)) {
		const seconds = secondsOf(invocation, option);
		if (seconds !== undefined) policy[rule] = seconds;
	}
	const zone = textOption(invocation, "keepZone");
	if (zone !== undefined) {
		if (!isTimeZone(zone)) throw usageError(`there is no time zone ${zone}`, "--keep-zone Europe/Berlin");
		policy.timeZone = zone;
	}
	if (Object.keys(policy).length === 0) return undefined;
	const { minimumGood: _floor, timeZone: _zone, graceSeconds: _grace, ...rules } = policy;
	if (Object.keys(rules).length > 0) return policy;
	throw usageError(
		"this policy would keep nothing: no rule keeps an archive",
		"--keep-daily 7 --keep-weekly 4",
	);
}

function secondsOf(invocation: Invocation, option: string): number | undefined {
	const text = textOption(invocation, option);
	if (text === undefined) return undefined;
	const seconds = parseDurationSeconds(text);
	const least = option === "keepGrace" ? 0 : 1;
	if (seconds !== undefined && seconds >= least && seconds <= longestSeconds) return seconds;
	throw usageError(`${dashed(option)} ${text} is not a duration`, `${dashed(option)} 30d, 12h or 1y`);
}

function dashed(option: string): string {
	return `--${option.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
