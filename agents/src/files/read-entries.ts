import { readEntry, type TreeEntry } from "./tree-entry.ts";

/** An entry of the most and longest attributes, and a map of the most stretches, stay below. */
const maximumLine = 64 * 1024 * 1024;

/** The entries of `entries.jsonl`, from its chunks. Throws what JSON or the schema find wrong with a line. */
export async function* readEntries(chunks: AsyncIterable<Buffer>): AsyncGenerator<TreeEntry, void> {
	let rest = "";
	const decoder = new TextDecoder("utf-8", { fatal: true });
	for await (const chunk of chunks) {
		const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
		rest = lines.pop() ?? "";
		if (rest.length > maximumLine) throw new TypeError("a line does not end");
		for (const line of lines) yield readEntry(line);
	}
	if (rest !== "" || decoder.decode() !== "") throw new TypeError("the last line is cut off");
}
