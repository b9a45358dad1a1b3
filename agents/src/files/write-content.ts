import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Artefact, Bytes } from "@davit/protocol";
import type { FileContext, PackedTree } from "./job.ts";
import { type RawPath, showRaw } from "./raw-path.ts";
import { type EntryType, sha256Of, storedSize, type TreeEntry, writeEntry } from "./tree-entry.ts";
import { FrameWriter, type WrittenFrames } from "./write-frames.ts";
import { endMarker, padded, spellHeader } from "./write-tar.ts";

export const contentFile = "content.tar.zst";
export const entriesFile = "entries.jsonl.zst";
/** What age calls its files. */
export const sealedEnding = ".age";
const maximumWarnings = 1000;

export interface WritingContext extends FileContext {
	/** What the progress ends at, as far as it is known. */
	readonly totalBytes: number;
}

/** The two files of an archive that hold a tree: its tar, and a line for each entry. */
export class ContentWriter implements Disposable {
	readonly #tar: FrameWriter;
	readonly #lines: FrameWriter;
	readonly #context: WritingContext;
	readonly #ending: string;
	readonly #warnings: string[] = [];
	readonly #skippedTypes = new Map<EntryType, number>();
	#warningCount = 0;
	#entries = 0;
	#contentBytes = 0;
	#turnedAt = 0;

	constructor(directory: string, context: WritingContext) {
		this.#context = context;
		this.#ending = context.seals === undefined ? "" : sealedEnding;
		const [tar, lines] = [`${contentFile}${this.#ending}`, `${entriesFile}${this.#ending}`];
		this.#tar = new FrameWriter(join(directory, tar), context.seals?.content);
		this.#lines = new FrameWriter(join(directory, lines), context.seals?.entries);
	}

	/** Writes an entry without content. */
	add(entry: TreeEntry): void {
		this.begin(entry);
		this.end(entry);
	}

	/** Writes a file's header; exactly what `storedSize` says must follow as content. */
	begin(entry: TreeEntry): void {
		const { bytes, fill } = spellHeader(entry);
		this.#tar.put(bytes, fill);
	}

	/** Where the next content goes; never empty. */
	space(): Buffer {
		return this.#tar.space();
	}

	/** Says that the first `bytes` of `space()` are content. */
	advance(bytes: number): void {
		this.#contentBytes += bytes;
		this.#tar.advance(bytes);
	}

	write(content: Uint8Array): void {
		this.#contentBytes += content.length;
		this.#tar.write(content);
	}

	end(entry: TreeEntry): void {
		const bytes = storedSize(entry);
		this.#tar.writeZeros(padded(bytes) - bytes);
		this.#entries += 1;
		this.#lines.writeText(writeEntry(entry));
	}

	/** Lists something that the tar does not hold, and why. */
	skip(entry: TreeEntry, reason: string): void {
		this.#skippedTypes.set(entry.type, (this.#skippedTypes.get(entry.type) ?? 0) + 1);
		this.#lines.writeText(writeEntry({ ...entry, size: 0, skipped: reason }));
	}

	/** Something was left out or is not as it was: the outcome is `partial`. */
	warn(path: RawPath, what: string): void {
		this.#warningCount += 1;
		if (this.#warnings.length < maximumWarnings - 1) this.#warnings.push(`${showRaw(path)}: ${what}`);
	}

	/** Whether a frame was filled since the last `drain`. */
	get isFull(): boolean {
		return this.#tar.filled !== this.#turnedAt;
	}

	/** To be awaited between writings where it is full: bounds memory, reports, and lets the signal be heard, once a frame. */
	async drain(): Promise<void> {
		const { signal, onProgress, totalBytes } = this.#context;
		if (!this.isFull) return;
		this.#turnedAt = this.#tar.filled;
		await this.#tar.drain();
		await this.#lines.drain();
		await nextTurn();
		signal.throwIfAborted();
		onProgress?.({ bytes: this.#contentBytes, totalBytes: Math.max(this.#contentBytes, totalBytes) });
	}

	/** Ends both files, durably. */
	async finish({ fidelity, losses }: Pick<PackedTree, "fidelity" | "losses">): Promise<PackedTree> {
		this.#tar.write(endMarker);
		const tar = await this.#tar.finish();
		const lines = await this.#lines.finish();
		this.#context.onProgress?.({ bytes: this.#contentBytes, totalBytes: this.#contentBytes });
		const sockets = this.#skippedTypes.get("socket");
		return {
			artefacts: [
				artefactOf(`${contentFile}${this.#ending}`, "tar.zst", tar),
				artefactOf(`${entriesFile}${this.#ending}`, "entries", lines),
			],
			entries: this.#entries,
			// A sum of file sizes is a count of bytes.
			contentBytes: this.#contentBytes as Bytes,
			fidelity,
			losses: sockets === undefined ? losses : [...losses, `sockets, of which there were ${sockets}`],
			outcome: this.#warningCount === 0 ? "succeeded" : "partial",
			warnings: this.#allWarnings(),
			...(this.#context.seals === undefined ? {} : { recipients: this.#context.seals.recipients }),
		};
	}

	[Symbol.dispose](): void {
		this.#tar[Symbol.dispose]();
		this.#lines[Symbol.dispose]();
	}

	#allWarnings(): string[] {
		const more = this.#warningCount - this.#warnings.length;
		return more === 0 ? this.#warnings : [...this.#warnings, `and ${more} more`];
	}
}

export function artefactOf(path: string, kind: Artefact["kind"], written: WrittenFrames): Artefact {
	const { bytes, sha256, contentBytes, frames } = written;
	return {
		path,
		kind,
		// Both count bytes that were written.
		bytes: bytes as Bytes,
		sha256: sha256Of(sha256),
		contentBytes: contentBytes as Bytes,
		frames,
	};
}
