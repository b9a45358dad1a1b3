import type { Row } from "./measure.ts";

const heading = ["measure", "Davit", "beside it", "goal", ""] as const;

function cells(row: Row): string[] {
	const verdict = row.met === undefined ? "reported" : row.met ? "met" : "**not met**";
	return [row.measure, row.value, row.peer, row.goal, verdict];
}

/** A table that a person reads in a terminal and in Markdown alike. */
export function describeTable(rows: readonly Row[]): string {
	const lines = [heading, ...rows.map(cells)];
	const widths = heading.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? "").length)));
	const describe = (line: readonly string[]) =>
		`| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
	const rule = `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`;
	const [first, ...rest] = lines.map(describe);
	return [first, rule, ...rest].join("\n");
}
