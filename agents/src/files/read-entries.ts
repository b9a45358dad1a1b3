import { readEntry, type TreeEntry } from "./tree-entry.ts";

/** The entries of `entries.jsonl`, from its chunks. Throws what JSON or the schema find wrong with a line. */
export async function* readEntries(chunks: AsyncIterable<Buffer>): AsyncGenerator<TreeEntry, void> {
	let rest = "";
	const decoder = new TextDecoder("utf-8", { fatal: true });
	for await (const chunk of chunks) {
		const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
		rest = lines.pop() ?? "";
		for (const line of lines) yield readEntry(line);
	}
	if (rest !== "" || decoder.decode() !== "") throw new TypeError("the last line is cut off");
}
