import { type Manifest, OperationError } from "@davit/protocol";
import type { FrameFile } from "./frame-file.ts";
import type { FileContext, Opened } from "./job.ts";
import { openFrames } from "./open-artefact.ts";
import type { PartSource, UsePart } from "./part-source.ts";
import type { TarPlace } from "./pick-entries.ts";
import { showRaw } from "./raw-path.ts";
import { ByteSource } from "./read-bytes.ts";
import { Digest, isSameHeader } from "./read-content.ts";
import { TarReader } from "./read-tar.ts";
import type { TreeEntry } from "./tree-entry.ts";
import { contentFile } from "./write-content.ts";

/** Frames that are decoded at the same time, on libuv's pool. */
const inFlight = 3;

/**
 * Reads chosen entries of an archive's tar, each proven by its digest, and no frame that holds none of them.
 * @throws OperationError archive-corrupt | archive-locked
 */
export class PickedContent implements PartSource, Disposable {
	readonly manifest: Manifest;
	readonly #frames: FrameFile;
	readonly #context: FileContext;
	#tar: TarReader | undefined;
	/** What `#tar` gives next. */
	#next = { index: -1, offset: 0 };
	#pending: { readonly entry: TreeEntry; readonly digest: Digest } | undefined;
	#storedBytes = 0;
	#contentBytes = 0;

	constructor(opened: Opened, manifest: Manifest, context: FileContext) {
		this.manifest = manifest;
		this.#context = context;
		this.#frames = openFrames(opened, manifest, contentFile);
	}

	/** Stored bytes that were read so far. */
	get storedBytes(): number {
		return this.#storedBytes;
	}

	/** Goes to an entry; `content` then gives what it holds. */
	async begin(place: TarPlace): Promise<void> {
		const { entry, index } = place;
		if (this.#next.index !== index) await this.#seek(place);
		let found = await this.#read();
		if (found === undefined || !isSameHeader(found, entry)) {
			// Its headers are not as long as Davit would write them now: from the beginning then.
			await this.#passOver({ from: 0, offset: 0, to: index });
			found = await this.#read();
		}
		if (found === undefined || !isSameHeader(found, entry)) {
			throw this.#frames.corrupt(`it does not hold ${showRaw(entry.path)} as it is listed`);
		}
		this.#next = { index: index + 1, offset: place.offset };
		this.#pending = { entry, digest: new Digest(entry) };
	}

	/** Some of the present entry's content; undefined when all was read and is proven. Good until the next call. */
	async give(use: UsePart): Promise<boolean> {
		if (this.#pending === undefined) return false;
		const { entry, digest } = this.#pending;
		const part = await this.#tar?.content();
		if (part !== undefined) {
			const used = use(part);
			digest.update(part);
			await used;
			this.#contentBytes += part.length;
			return true;
		}
		this.#pending = undefined;
		if (entry.type === "file" && digest.hex !== entry.sha256) {
			throw this.#frames.corrupt(`the content of ${showRaw(entry.path)} is not what was backed up`);
		}
		return false;
	}

	[Symbol.dispose](): void {
		this.#frames[Symbol.dispose]();
	}

	/** What lies near is read over, what lies far is jumped to. */
	async #seek({ index, offset }: TarPlace): Promise<void> {
		const from = this.#next;
		const isNear = this.#tar !== undefined && index > from.index && offset - from.offset < nearBytes;
		if (!isNear) this.#open(offset);
		else for (let at = from.index; at < index; at += 1) await this.#read();
	}

	async #passOver({ from, offset, to }: { from: number; offset: number; to: number }): Promise<void> {
		this.#open(offset);
		for (let at = from; at < to; at += 1) {
			if ((await this.#read()) === undefined) throw this.#frames.corrupt("it holds less than is listed");
		}
	}

	#open(offset: number): void {
		const cutOff = () => this.#frames.corrupt("it was cut off");
		this.#tar = new TarReader(new ByteSource(this.#bytesFrom(offset), cutOff));
	}

	/** The next entry; undefined where there is none, or what is there is no entry. */
	async #read(): Promise<TreeEntry | undefined> {
		try {
			return await this.#tar?.next();
		} catch (error) {
			if (error instanceof OperationError || this.#context.signal.aborted) throw error;
			return undefined;
		}
	}

	async *#bytesFrom(offset: number): AsyncGenerator<Buffer, void> {
		const { frames } = this.#frames;
		let [next, begin] = [0, 0];
		for (let bytes = frames[next]?.contentBytes; bytes !== undefined && begin + bytes <= offset; ) {
			begin += bytes;
			next += 1;
			bytes = frames[next]?.contentBytes;
		}
		const pending: Promise<Buffer | Error>[] = [];
		let skip = offset - begin;
		// The first alone, then more: what is wanted often ends in it.
		for (let atOnce = 1; next < frames.length || pending.length > 0; ) {
			this.#context.signal.throwIfAborted();
			if (next < frames.length && pending.length < atOnce) {
				const stored = this.#frames.stored(next);
				this.#storedBytes += stored.length;
				pending.push(this.#frames.decode(stored, next));
				next += 1;
				continue;
			}
			const content = await pending.shift();
			if (!Buffer.isBuffer(content)) throw this.#frames.corrupt("a frame cannot be decoded", content);
			atOnce = Math.min(atOnce + 1, inFlight);
			yield content.subarray(skip);
			skip = 0;
			this.#context.onProgress?.({
				bytes: this.#contentBytes,
				totalBytes: Math.max(this.#contentBytes, this.manifest.contentBytes),
			});
		}
	}
}

const nearBytes = 4 * 1024 * 1024;
