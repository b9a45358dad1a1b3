import { appendFileSync, createReadStream, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Listed } from "./listed.ts";
import { readEntries } from "./read-entries.ts";
import { type TreeEntry, writeEntry } from "./tree-entry.ts";

const entriesAtOnce = 500;

/** What a copy put in place, in the order of a walk, so that what is there can be compared with it once the original moves on. */
export class CopiedList {
	readonly #path: string;
	#lines: string[] = [];

	constructor(folder: string) {
		this.#path = listIn(folder);
	}

	open(folder: string): void {
		mkdirSync(folder, { recursive: true, mode: 0o700 });
		this.flush();
	}

	add(entry: TreeEntry): void {
		this.#lines.push(writeEntry(entry));
		if (this.#lines.length >= entriesAtOnce) this.flush();
	}

	flush(): void {
		appendFileSync(this.#path, this.#lines.join(""), { mode: 0o600 });
		this.#lines = [];
	}
}

/** A file without a digest shares its blocks with the original: what it holds needs no look. */
export async function* listedEntries(folder: string): AsyncGenerator<Listed, void> {
	for await (const entry of readEntries(createReadStream(listIn(folder)))) {
		yield entry.type === "file" && entry.sha256 === undefined ? { ...entry, isKept: true } : entry;
	}
}

function listIn(folder: string): string {
	return join(folder, "entries.jsonl");
}
