import type { FailureCode } from "@davit/protocol";
import { CommandError, exitCodes } from "../command-error.ts";
import { isRecord } from "../door/answers.ts";
import type { ProgramName } from "./programs.ts";

interface Ending {
	readonly code: number | null;
	/** The failure it sent on its channel, where it sent one. */
	readonly report: unknown;
	/** The last lines of its standard error. */
	readonly words: readonly string[];
}

/** A program that ended before it served, in its own words. */
export function failedStart(name: ProgramName, { code, report, words }: Ending): CommandError {
	const sentence = words.find((line) => line.startsWith("error: "))?.slice("error: ".length);
	const advice = words.find((line) => /^\s+do\s/.test(line))?.replace(/^\s+do\s+/, "");
	const known = isRecord(report) ? report : {};
	const exitCode = code === null || code === 0 ? exitCodes.failed : code;
	return new CommandError(textOf(known["message"]) ?? sentence ?? `the ${name} ended before it served`, {
		// A code that this Davit does not know is shown as it came; nothing branches on it.
		code: (textOf(known["code"]) ?? codeOf(exitCode)) as FailureCode,
		exitCode,
		next: textOf(known["hint"]) ?? advice ?? `read ${name}.log in the log folder of DAVIT_HOME`,
		why: sentence === undefined && known["message"] === undefined ? defectOf(words) : [],
	});
}

/** Of a stack trace the line that names the error. */
function defectOf(words: readonly string[]): readonly string[] {
	const named = words.find((line) => /^\w*Error\b/.test(line));
	return named === undefined ? words.slice(-3) : [named];
}

/** The likeliest failure of a program that said only how it ended. */
function codeOf(exitCode: number): FailureCode {
	if (exitCode === exitCodes.usage) return "configuration-invalid";
	if (exitCode === exitCodes.inconsistent) return "database-damaged";
	if (exitCode === exitCodes.unreachable) return "broker-unreachable";
	if (exitCode === exitCodes.busy) return "database-locked";
	if (exitCode === exitCodes.notAllowed) return "broker-refused";
	return "internal-error";
}

function textOf(value: unknown): string | undefined {
	return typeof value === "string" && value !== "" ? value : undefined;
}
