import { readEntry, type TreeEntry } from "./tree-entry.ts";

/** An entry of the most and longest attributes, and a map of the most stretches, stay below. */
const maximumLine = 64 * 1024 * 1024;

/** Few enough to hold, and enough that waiting for them does not count. */
const batchEntries = 512;

/** The entries of `entries.jsonl`, from its chunks. Throws what JSON or the schema find wrong with a line. */
export async function* readEntries(chunks: AsyncIterable<Buffer>): AsyncGenerator<TreeEntry, void> {
	for await (const batch of readBatches(chunks)) yield* batch;
}

/** The same, some at a time. */
export async function* readBatches(chunks: AsyncIterable<Buffer>): AsyncGenerator<TreeEntry[], void> {
	let [rest, batch]: [string, TreeEntry[]] = ["", []];
	const decoder = new TextDecoder("utf-8", { fatal: true });
	for await (const chunk of chunks) {
		const text = rest + decoder.decode(chunk, { stream: true });
		let start = 0;
		for (let end = text.indexOf("\n"); end !== -1; end = text.indexOf("\n", start)) {
			batch.push(readEntry(text.slice(start, end)));
			start = end + 1;
			if (batch.length < batchEntries) continue;
			yield batch;
			batch = [];
		}
		rest = text.slice(start);
		if (rest.length > maximumLine) throw new TypeError("a line does not end");
	}
	if (batch.length > 0) yield batch;
	if (rest !== "" || decoder.decode() !== "") throw new TypeError("the last line is cut off");
}
