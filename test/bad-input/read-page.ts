import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Ended } from "@davit/cli/testing/run-davit.ts";
import { type FailureReport, failures } from "@davit/protocol";

/** One line of `docs/bad-input.md`. */
export interface Row {
	readonly input: string;
	/** `…` stands for what differs from place to place. */
	readonly sentence: string;
	readonly next: string;
	readonly code: string;
	readonly exitCode: number;
	/** Below `test/bad-input/`. */
	readonly file: string;
	readonly title: string;
}

/** What Davit said of one bad input, through whatever door. */
export interface Told {
	readonly sentence: string;
	readonly next: string;
	readonly code: string;
	readonly exitCode: number;
}

export const pageText = readFileSync(new URL("../../docs/bad-input.md", import.meta.url), "utf8");

/** Every line of the page's tables. @throws Error where a line has another number of cells */
export const rows: readonly Row[] = pageText
	.split("\n")
	.filter((line) => line.startsWith("| ") && !line.startsWith("| what comes"))
	.map(readRow);

/** @throws AssertionError where the page has no such line */
export function rowOf(input: string): Row {
	const row = rows.find((candidate) => candidate.input === input);
	assert.ok(row !== undefined, `docs/bad-input.md has no line for: ${input}`);
	return row;
}

/** The page has this input, and what it says of it is what Davit told: sentence, advice, code and exit code. */
export function assertTold(input: string, told: Told): void {
	const row = rowOf(input);
	assert.match(told.sentence, patternOf(row.sentence), input);
	assert.match(told.next, patternOf(row.next), input);
	assert.deepEqual([told.code, told.exitCode], [row.code, row.exitCode], `${input}: ${told.sentence}`);
}

/** The error that a command printed for a person. */
export function toldBy({ stderr, exitCode }: Ended): Told {
	const [, sentence = "", rest = ""] = /^error: (.*)$([\s\S]*)/m.exec(stderr) ?? [];
	const [, next = ""] = /^ {2}do {4}(.*)$/m.exec(rest) ?? [];
	const [, shownExitCode = "", code = ""] = /^ {2}exit {2}(\d+) \(([a-z-]+)/m.exec(rest) ?? [];
	assert.equal(shownExitCode, String(exitCode), `what is printed is how it ends: ${stderr}`);
	return { sentence, next, code, exitCode: exitCode ?? -1 };
}

/** A failure that came over the wire; `davit` ends with its exit code. */
export function toldIn(failure: FailureReport | undefined): Told {
	assert.ok(failure !== undefined, "it was not refused");
	const { message, hint, code } = failure;
	return { sentence: message, next: hint, code, exitCode: failures[code].exitCode };
}

function readRow(line: string): Row {
	const cells = line.split(/(?<!\\)\|/).slice(1, -1);
	if (cells.length !== 6) throw new Error(`docs/bad-input.md has a line of ${cells.length} cells: ${line}`);
	const [input = "", sentence = "", next = "", code = "", exitCode = "", test = ""] = cells.map((cell) =>
		cell.trim().replaceAll("\\|", "|"),
	);
	const [, file = "", title = ""] = /^`([a-z-]+\.test\.ts)`: (.+)$/.exec(test) ?? [];
	return { input, sentence, next, code: code.replaceAll("`", ""), exitCode: Number(exitCode), file, title };
}

function patternOf(text: string): RegExp {
	const parts = text.split("…").map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&"));
	return new RegExp(`^${parts.join(".*")}$`, "s");
}
