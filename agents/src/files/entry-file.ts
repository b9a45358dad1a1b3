import type { Manifest } from "@davit/protocol";
import type { FrameFile } from "./frame-file.ts";
import type { Opened } from "./job.ts";
import { openFrames } from "./open-artefact.ts";
import { comparePaths, type RawPath } from "./raw-path.ts";
import { readEntry, type TreeEntry } from "./tree-entry.ts";
import { entriesFile } from "./write-content.ts";

const newline = 0x0a;
const lineStart = '{"path":"';

/** One line of the list, parsed only where it is asked for. */
export interface EntryLine {
	readonly path: RawPath;
	/** Each character one byte. */
	readonly line: string;
}

/**
 * An archive's list of entries, read in sections: a section is what lies between the first line break of a frame and that of the next,
 * so each has whole lines and can be read alone. Decodes only the frames that are asked for.
 */
export class EntryFile implements Disposable {
	readonly #file: FrameFile;
	readonly #heads = new Map<number, RawPath>();
	/** The newest two frames: a section ends in the next frame, where the next section begins. */
	readonly #decoded = new Map<number, Promise<Buffer>>();
	#framesRead = 0;

	constructor(opened: Opened, manifest: Manifest) {
		this.#file = openFrames(opened, manifest, entriesFile);
	}

	get sections(): number {
		return this.#file.frames.length;
	}

	/** Frames that were decoded so far. */
	get framesRead(): number {
		return this.#framesRead;
	}

	/** The lines of one section, in the order of the file. */
	async lines(section: number): Promise<readonly EntryLine[]> {
		const own = await this.#content(section);
		const next = section + 1 < this.sections ? await this.#content(section + 1) : undefined;
		const begin = section === 0 ? 0 : this.#afterBreak(own);
		const parts = [
			own.subarray(begin),
			...(next === undefined ? [] : [next.subarray(0, this.#afterBreak(next))]),
		];
		const text = Buffer.concat(parts).toString("latin1");
		if (!text.endsWith("\n")) throw this.#file.corrupt("its last line is cut off");
		return text
			.slice(0, -1)
			.split("\n")
			.map((line) => ({ line, path: this.#pathOf(line) }));
	}

	/** The path with which a section begins. */
	async head(section: number): Promise<RawPath> {
		const known = this.#heads.get(section);
		if (known !== undefined) return known;
		const own = await this.#content(section);
		const begin = section === 0 ? 0 : this.#afterBreak(own);
		const end = own.indexOf(newline, begin);
		const line = end === -1 ? (await this.lines(section))[0]?.line : own.toString("latin1", begin, end);
		const head = this.#pathOf(line ?? "");
		this.#heads.set(section, head);
		return head;
	}

	/** The last section that begins at or before what `isAtOrBefore` says yes to, of those from `first` on. */
	async lastSection(first: number, isAtOrBefore: (head: RawPath) => boolean): Promise<number> {
		let [low, high] = [first, this.sections - 1];
		while (low < high) {
			const middle = Math.ceil((low + high) / 2);
			if (isAtOrBefore(await this.head(middle))) low = middle;
			else high = middle - 1;
		}
		return low;
	}

	/** The section in which a path is, if the list has it and is in order. */
	sectionOf(path: RawPath): Promise<number> {
		return this.lastSection(0, (head) => comparePaths(head, path) <= 0);
	}

	parse({ line }: EntryLine): TreeEntry {
		try {
			return readEntry(Buffer.from(line, "latin1").toString("utf8"));
		} catch (error) {
			throw this.#file.corrupt("a line of it is no entry", error);
		}
	}

	[Symbol.dispose](): void {
		this.#file[Symbol.dispose]();
	}

	#content(frame: number): Promise<Buffer> {
		const known = this.#decoded.get(frame);
		if (known !== undefined) return known;
		const content = this.#file.content(frame);
		this.#framesRead += 1;
		const [oldest] = this.#decoded.keys();
		if (this.#decoded.size > 1 && oldest !== undefined) this.#decoded.delete(oldest);
		this.#decoded.set(frame, content);
		return content;
	}

	#afterBreak(content: Buffer): number {
		const at = content.indexOf(newline);
		if (at === -1) throw this.#file.corrupt("a line of it is longer than a frame");
		return at + 1;
	}

	/** Without parsing the line, where its path is written as it is. */
	#pathOf(line: string): RawPath {
		const end = line.startsWith(lineStart) ? line.indexOf('"', lineStart.length) : -1;
		const path = end === -1 ? "\\" : line.slice(lineStart.length, end);
		return path.includes("\\") ? this.parse({ line, path: "" }).path : path;
	}
}
