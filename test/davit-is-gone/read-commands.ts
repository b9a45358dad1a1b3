/** The lines of a document's command blocks, those that are set in by four blanks or stand between fences, in their order. */
export function readCommands(text: string): string[][] {
	const blocks: string[][] = [];
	let [open, isFenced]: [string[] | undefined, boolean] = [undefined, false];
	for (const line of text.split("\n")) {
		if (line.startsWith("```")) {
			isFenced = !isFenced;
			open = undefined;
			continue;
		}
		if (!isFenced && !line.startsWith("    ")) {
			open = undefined;
			continue;
		}
		if (open === undefined) {
			open = [];
			blocks.push(open);
		}
		open.push(isFenced ? line : line.slice(4));
	}
	return blocks;
}

/** What stands under a heading, up to the next. */
export function sectionOf(text: string, heading: string): string {
	const start = text.indexOf(`\n## ${heading}\n`);
	if (start === -1) throw new Error(`there is no heading ${heading}`);
	const end = text.indexOf("\n## ", start + 1);
	return text.slice(start, end === -1 ? text.length : end);
}
