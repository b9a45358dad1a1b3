import { stripVTControlCharacters } from "node:util";

/** Rows under a head, or without one; columns as wide as their widest cell, two blanks between, nothing after the last. */
export function formatTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
	const all = head.length === 0 ? rows : [head, ...rows];
	const columns = Math.max(0, ...all.map((row) => row.length));
	const widths = Array.from({ length: columns }, (_, column) => {
		return Math.max(...all.map((row) => widthOf(row[column] ?? "")));
	});
	const lines = all.map((row) => row.map((cell, column) => pad(cell, widths[column] ?? 0)).join("  "));
	return lines.map((line) => line.trimEnd()).join("\n");
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
