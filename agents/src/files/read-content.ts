import { createHash, hash } from "node:crypto";
import { type Artefact, type Manifest, OperationError } from "@davit/protocol";
import { readManifest } from "../archives/read-manifest.ts";
import type { FileContext } from "./job.ts";
import { isNamed, isSameFile, openArtefact } from "./open-artefact.ts";
import type { PartSource, UsePart } from "./part-source.ts";
import { showRaw } from "./raw-path.ts";
import { isSameAttributes } from "./read-attributes.ts";
import { ByteSource } from "./read-bytes.ts";
import { readBatches } from "./read-entries.ts";
import type { FrameReader } from "./read-frames.ts";
import { TarReader } from "./read-tar.ts";
import { type Stretches, storedSize, type TreeEntry } from "./tree-entry.ts";
import { contentFile, entriesFile } from "./write-content.ts";
import type { WrittenFrames } from "./write-frames.ts";

/**
 * Reads an archive's content and proves it on the way: each tar entry against its line, each file's SHA-256, both files' sums and
 * counts against the manifest. Until `entries` has ended nothing is proven.
 * @throws OperationError archive-not-found | archive-corrupt | archive-too-new
 */
export class ContentReader implements PartSource, Disposable {
	readonly manifest: Manifest;
	readonly #folder: string;
	readonly #context: FileContext;
	readonly #tarFrames: FrameReader;
	readonly #lineFrames: FrameReader;
	readonly #tar: TarReader;
	#pending: { entry: TreeEntry; digest: Digest } | undefined;
	#contentBytes = 0;

	static async open(folder: string, context: FileContext): Promise<ContentReader> {
		return new ContentReader(folder, await readManifest(folder), context);
	}

	private constructor(folder: string, manifest: Manifest, context: FileContext) {
		this.manifest = manifest;
		this.#folder = folder;
		this.#context = context;
		this.#tarFrames = openArtefact({ archive: folder, ...context }, manifest, contentFile);
		this.#lineFrames = openArtefact({ archive: folder, ...context }, manifest, entriesFile);
		this.#tar = new TarReader(
			new ByteSource(this.#watched(this.#tarFrames), () => this.#corrupt("its tar was cut off")),
		);
	}

	/** What the tar holds, in its order. Read an entry's content before the next is asked for, or it is only checked. */
	async *entries(): AsyncGenerator<TreeEntry, void> {
		let count = 0;
		for await (const entry of this.#listed()) {
			const found = await this.#nextOfTar();
			if (found === undefined || !isSameHeader(found, entry)) {
				throw this.#corrupt(`its tar does not hold ${showRaw(entry.path)} as it is listed`);
			}
			this.#pending = { entry, digest: new Digest(entry) };
			count += 1;
			// Stopped at once: what goes on for ever must not fill a disk first.
			if (count > this.manifest.entries) throw this.#corrupt("it holds more entries than its manifest says");
			yield entry;
			while (await this.give(pass));
		}
		if ((await this.#nextOfTar()) !== undefined) throw this.#corrupt("its tar holds more than is listed");
		this.#compareWithManifest(count);
	}

	/** Hands over some of the present entry's content, hashing it meanwhile; false when all was read and is proven. */
	async give(use: UsePart): Promise<boolean> {
		if (this.#pending === undefined) return false;
		const { entry, digest } = this.#pending;
		const part = await this.#tar.content();
		if (part !== undefined) {
			this.#contentBytes += part.length;
			if (this.#contentBytes > this.manifest.contentBytes) {
				throw this.#corrupt("its files hold more than its manifest says");
			}
			const used = use(part);
			digest.update(part);
			await used;
			return true;
		}
		this.#pending = undefined;
		if (entry.type === "file" && digest.hex !== entry.sha256) {
			throw this.#corrupt(`the content of ${showRaw(entry.path)} is not what was backed up`);
		}
		return false;
	}

	/** Stored bytes of both files; only after `entries` has ended. */
	get storedBytes(): number {
		return this.#tarFrames.summary.bytes + this.#lineFrames.summary.bytes;
	}

	[Symbol.dispose](): void {
		this.#tarFrames[Symbol.dispose]();
		this.#lineFrames[Symbol.dispose]();
	}

	async *#watched(frames: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void> {
		const { signal, onProgress } = this.#context;
		for await (const frame of frames) {
			signal.throwIfAborted();
			onProgress?.({ bytes: this.#contentBytes, totalBytes: this.manifest.contentBytes });
			yield frame;
		}
	}

	async #nextOfTar(): Promise<TreeEntry | undefined> {
		try {
			return await this.#tar.next();
		} catch (error) {
			throw this.#translate(error);
		}
	}

	/** What the list says that the tar holds. */
	async *#listed(): AsyncGenerator<TreeEntry, void> {
		const batches = readBatches(this.#lineFrames);
		for (;;) {
			const next = await batches.next().catch((error: unknown) => {
				throw this.#translate(error);
			});
			if (next.done === true) return;
			for (const entry of next.value) if (entry.skipped === undefined) yield entry;
		}
	}

	/** Everything that parsing stored bytes can throw means that they are not what was stored. */
	#translate(error: unknown): unknown {
		if (error instanceof OperationError || this.#context.signal.aborted) return error;
		return this.#corrupt(error instanceof Error ? error.message : String(error), error);
	}

	#compareWithManifest(count: number): void {
		const { entries, contentBytes, artefacts } = this.manifest;
		if (count !== entries) throw this.#corrupt(`it holds ${count} entries and should hold ${entries}`);
		if (this.#contentBytes !== contentBytes) {
			throw this.#corrupt(`its files hold ${this.#contentBytes} bytes and should hold ${contentBytes}`);
		}
		this.#compareArtefact(contentFile, this.#tarFrames.summary, artefacts);
		this.#compareArtefact(entriesFile, this.#lineFrames.summary, artefacts);
	}

	#compareArtefact(path: string, found: WrittenFrames, artefacts: readonly Artefact[]): void {
		const expected = artefacts.find((artefact) => isNamed(artefact, path));
		if (expected === undefined || !isSameFile(found, expected)) {
			throw this.#corrupt(`its ${path} is not the one that the manifest names`);
		}
	}

	#corrupt(why: string, cause?: unknown): OperationError {
		return new OperationError("archive-corrupt", `the archive in ${this.#folder} is damaged: ${why}`, {
			cause,
		});
	}
}

/** SHA-256 of a file's content; in one call where it comes in one part. */
export class Digest {
	readonly #size: number;
	#running: ReturnType<typeof createHash> | undefined;
	#whole: string | undefined;

	constructor(entry: TreeEntry) {
		this.#size = storedSize(entry);
	}

	update(part: Buffer): void {
		if (part.length === this.#size) {
			this.#whole = hash("sha256", part);
			return;
		}
		this.#running ??= createHash("sha256");
		this.#running.update(part);
	}

	get hex(): string {
		return this.#whole ?? this.#running?.digest("hex") ?? hash("sha256", "");
	}
}

/** Of what is read only to prove it. */
const pass = (): undefined => undefined;

export function isSameHeader(found: TreeEntry, entry: TreeEntry): boolean {
	return (
		found.path === entry.path &&
		found.type === entry.type &&
		found.mode === entry.mode &&
		found.uid === entry.uid &&
		found.gid === entry.gid &&
		found.size === entry.size &&
		found.mtimeNs === entry.mtimeNs &&
		found.target === entry.target &&
		found.device?.[0] === entry.device?.[0] &&
		found.device?.[1] === entry.device?.[1] &&
		isSameAttributes(found.xattrs, entry.xattrs) &&
		isSameMap(found.sparse, entry.sparse)
	);
}

function isSameMap(left: Stretches | undefined, right: Stretches | undefined): boolean {
	if (left === right) return true;
	if (left?.length !== right?.length) return false;
	return left?.flat().join() === right?.flat().join();
}
