import { type BigIntStats, lstatSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Bytes } from "@davit/protocol";
import { lostWithoutSystem, systemCalls } from "./call-system.ts";
import { errnoOf, fileFailure } from "./file-failure.ts";
import { hashFile } from "./hash-file.ts";
import type { FileContext, Listing, PackedTree } from "./job.ts";
import { listTree } from "./list-tree.ts";
import { locate, type RawPath, rawOf, showRaw } from "./raw-path.ts";
import { SeenTree } from "./seen-tree.ts";
import { type TreeEntry, writeEntry } from "./tree-entry.ts";
import { artefactOf, entriesFile } from "./write-content.ts";
import { FrameWriter } from "./write-frames.ts";

export type Indexing = Listing & { readonly directory: string };

/**
 * Lists the tree below `root` with the digest of each file, as an archive's list of entries, durably. A file that is what it was when
 * it was hashed last is not read again. Blocks its thread.
 * @throws OperationError path-not-found | path-not-allowed | disk-full
 */
export async function indexTree({
	root,
	directory,
	seen: file,
	without,
	...context
}: Indexing & FileContext): Promise<PackedTree> {
	try {
		const seen = await SeenTree.read(file);
		using lines = new FrameWriter(join(directory, entriesFile));
		const index = new Index(rawOf(root), { lines, seen, without: new Set(without), context });
		for (const entry of listTree(rawOf(root), systemCalls())) await index.add(entry);
		await seen.write(file);
		const written = artefactOf(entriesFile, "entries", await lines.finish());
		return { ...index.totals(), artefacts: [written] };
	} catch (error) {
		throw fileFailure(error, { doing: `listing ${root}`, path: directory });
	}
}

interface IndexParts {
	readonly lines: FrameWriter;
	readonly seen: SeenTree;
	readonly without: ReadonlySet<RawPath>;
	readonly context: FileContext;
}

class Index {
	readonly #root: RawPath;
	readonly #parts: IndexParts;
	readonly #warnings: string[] = [];
	#entries = 0;
	#contentBytes = 0;
	#sockets = 0;

	constructor(root: RawPath, parts: IndexParts) {
		this.#root = root;
		this.#parts = parts;
	}

	async add(entry: TreeEntry): Promise<void> {
		const { lines, context, without } = this.#parts;
		const stat = statOf(this.#root, entry.path);
		if (stat !== undefined) await this.#addSeen(entry, stat, without.has(entry.path));
		if (this.#entries % 500 !== 0) return;
		await lines.drain();
		await nextTurn();
		context.signal.throwIfAborted();
		context.onProgress?.({ bytes: this.#contentBytes, totalBytes: this.#contentBytes });
	}

	async #addSeen(entry: TreeEntry, stat: BigIntStats, isLeftOut: boolean): Promise<void> {
		const { seen, context } = this.#parts;
		if (entry.type === "socket") {
			this.#sockets += 1;
			return this.#skip(entry, "a socket lives only with its program");
		}
		if (isLeftOut && (entry.type === "file" || entry.type === "hardlink")) {
			this.#warnings.push(`${showRaw(entry.path)}: changes while it is read, and was left out`);
			return this.#skip(entry, "it changes while it is read");
		}
		if (entry.type !== "file") {
			seen.keep(entry.path, stat);
			return this.#write(entry);
		}
		const known = seen.digestOf(entry.path, stat);
		const sha256 = known ?? (await hashFile({ root: this.#root, path: entry.path }, context.signal));
		if (sha256 === undefined) return;
		seen.keep(entry.path, stat, sha256);
		this.#contentBytes += entry.size;
		this.#write({ ...entry, sha256 });
	}

	#skip(entry: TreeEntry, reason: string): void {
		this.#parts.lines.write(Buffer.from(writeEntry({ ...entry, size: 0, skipped: reason })));
	}

	#write(entry: TreeEntry): void {
		this.#entries += 1;
		this.#parts.lines.write(Buffer.from(writeEntry(entry)));
	}

	totals(): Omit<PackedTree, "artefacts"> {
		return {
			entries: this.#entries,
			// A sum of file sizes is a count of bytes.
			contentBytes: this.#contentBytes as Bytes,
			fidelity: "full",
			losses: [
				...(systemCalls() === undefined ? lostWithoutSystem : []),
				...(this.#sockets === 0 ? [] : [`sockets, of which there were ${this.#sockets}`]),
			],
			outcome: this.#warnings.length === 0 ? "succeeded" : "partial",
			warnings: this.#warnings.slice(0, 1000),
		};
	}
}

/**
 * Raw paths, at most 10,000, of what is not any more what it was when it was indexed, has come or is gone; sockets and what was left
 * out do not count. Blocks its thread.
 */
export async function recheckTree({
	root,
	seen: file,
	without,
	signal,
}: Listing & FileContext): Promise<readonly RawPath[]> {
	const [raw, seen, left] = [rawOf(root), await SeenTree.read(file), new Set(without)];
	const [changed, found]: [RawPath[], Set<RawPath>] = [[], new Set()];
	for (const { path, type } of listTree(raw)) {
		found.add(path);
		if (found.size % 2000 === 0) await nextTurn();
		signal.throwIfAborted();
		if (type === "socket" || left.has(path)) continue;
		const stat = statOf(raw, path);
		if (stat === undefined || !seen.isSame(path, stat)) changed.push(path);
	}
	for (const path of seen.paths()) if (!found.has(path)) changed.push(path);
	return changed.slice(0, 10_000);
}

function statOf(root: RawPath, path: RawPath): BigIntStats | undefined {
	try {
		return lstatSync(locate(root, path), { bigint: true });
	} catch (error) {
		if (errnoOf(error) === "ENOENT") return undefined;
		throw error;
	}
}
