import { stripVTControlCharacters } from "node:util";

/** Rows under a head, columns as wide as their widest cell, two blanks between; the last column is as long as it is. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const all = [head, ...rows];
	const widths = head.map((_, column) => Math.max(...all.map((row) => widthOf(row[column] ?? ""))));
	return all
		.map((row) => `${row.map((cell, column) => pad(cell, widths[column] ?? 0)).join("  ")}`.trimEnd())
		.join("\n");
}

function pad(cell: string, width: number): string {
	return cell + " ".repeat(Math.max(0, width - widthOf(cell)));
}

/** Columns that a text takes: colours none, each character one. */
function widthOf(text: string): number {
	return [...stripVTControlCharacters(text)].length;
}

/** What came from elsewhere, on one line and without a control character that could move the cursor. */
export function plain(text: string): string {
	return text.replaceAll(/\p{Cc}+/gu, " ");
}
