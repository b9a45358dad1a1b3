import type { RawPath } from "./raw-path.ts";
import { rootPath, showRaw } from "./raw-path.ts";
import type { ByteSource } from "./read-bytes.ts";
import { applyRecords, parseRecords, type TarRecords } from "./read-records.ts";
import { readSparseMap } from "./read-sparse.ts";
import { isZeroBlock, parseHeader, TarDamage, type TarHeader, typeOfHeader } from "./tar-header.ts";
import type { EntryType, TreeEntry } from "./tree-entry.ts";
import { blockBytes, padded } from "./write-tar.ts";

const maximumRecordBytes = 8 * 1024 * 1024;

/**
 * Reads a tar strictly: pax, ustar and GNU's long names; the end marker must be there and only zeros may follow. Paths come
 * without `./` and closing slash; one that would leave the tree is damage.
 */
export class TarReader {
	readonly #source: ByteSource;
	readonly #global = new Map<string, RawPath>();
	/** Bytes of the present entry's content that were not read yet. */
	#left = 0;
	#padding = 0;

	constructor(source: ByteSource) {
		this.#source = source;
	}

	/** The next entry, past whatever of the last one's content was not read; undefined after a proper end. */
	async next(): Promise<TreeEntry | undefined> {
		const rest = this.#left + this.#padding;
		if (!this.#source.skipNow(rest)) await this.#source.skip(rest);
		this.#left = 0;
		this.#padding = 0;
		const header = await this.#header();
		if (header === undefined) return undefined;
		const type = typeOfHeader(header);
		const size = type === "file" ? header.size : 0;
		if (type !== "file" && type !== "hardlink" && header.size > 0) {
			throw new TarDamage(`a ${type} has content`);
		}
		this.#left = size;
		this.#padding = padded(size) - size;
		const sparse = await this.#sparse(header, type);
		const { mode, uid, gid, mtimeNs, device, xattrs } = header;
		return {
			...{ path: treePath(header.name), type, mode, uid, gid, size, mtimeNs, ...sparse },
			...(xattrs === undefined || type === "hardlink" ? {} : { xattrs }),
			...(type === "hardlink" ? { target: treePath(header.link) } : {}),
			...(type === "symlink" ? { target: header.link } : {}),
			...(type.endsWith("device") ? { device } : {}),
		};
	}

	async #sparse(
		{ sparse }: TarHeader,
		type: EntryType,
	): Promise<Pick<TreeEntry, "size" | "sparse"> | undefined> {
		if (sparse === undefined) return undefined;
		if (type !== "file") throw new TarDamage(`a ${type} has holes`);
		const { stretches, bytes } = await readSparseMap(sparse, this.#left, this.#source);
		this.#left -= bytes;
		const isWhole = stretches.length === 1 && stretches[0]?.[1] === sparse.size;
		return isWhole || sparse.size === 0 ? { size: sparse.size } : { size: sparse.size, sparse: stretches };
	}

	/** Some of the present entry's content, without its holes; undefined when all of it was read. Good until the next call. */
	async content(): Promise<Buffer | undefined> {
		if (this.#left === 0) return undefined;
		const part = this.#source.takeNow(this.#left) ?? (await this.#source.someOrThrow(this.#left));
		this.#left -= part.length;
		return part;
	}

	async #header(): Promise<TarHeader | undefined> {
		let records: TarRecords = new Map();
		const long = new Map<string, RawPath>();
		for (;;) {
			const block = this.#source.takeNow(blockBytes) ?? (await this.#source.take(blockBytes));
			if (isZeroBlock(block)) {
				if (records.size > 0 || long.size > 0) throw new TarDamage("it ends after an extended header");
				await this.#end();
				return undefined;
			}
			const header = parseHeader(block);
			if (header.flag === "x") records = parseRecords(await this.#body(header));
			else if (header.flag === "g") this.#keepGlobal(parseRecords(await this.#body(header)));
			else if (header.flag === "L") long.set("path", textOf(await this.#body(header)));
			else if (header.flag === "K") long.set("linkpath", textOf(await this.#body(header)));
			else if (this.#global.size + long.size === 0) return applyRecords(header, records);
			else return applyRecords(header, new Map([...this.#global, ...long, ...records]));
		}
	}

	#keepGlobal(records: TarRecords): void {
		for (const [key, value] of records) this.#global.set(key, value);
	}

	async #body({ size }: TarHeader): Promise<Buffer> {
		if (size > maximumRecordBytes) throw new TarDamage("an extended header is larger than 8 MiB");
		const bytes = padded(size);
		const body = this.#source.takeNow(bytes) ?? (await this.#source.take(bytes));
		return body.subarray(0, size);
	}

	async #end(): Promise<void> {
		if (!isZeroBlock(await this.#source.take(blockBytes))) throw new TarDamage("its end marker is broken");
		for (let rest = await this.#source.some(blockBytes); rest; rest = await this.#source.some(blockBytes)) {
			if (!rest.every((byte) => byte === 0)) throw new TarDamage("something follows its end marker");
		}
	}
}

/** The path below the root; refuses absolute names, `..`, and empty or NUL-holding parts. */
function treePath(name: RawPath): RawPath {
	let path = name;
	while (path.startsWith("./")) path = path.slice(2);
	if (path.endsWith("/")) path = path.slice(0, -1);
	if (path === "" || path === ".") {
		if (name === "") throw new TarDamage("an entry has no name");
		return rootPath;
	}
	if (path.includes("\0")) throw new TarDamage("a name holds a NUL");
	if (strayPart.test(path)) throw new TarDamage(`a name leads out of its tree: ${showRaw(name)}`);
	return path;
}

/** An empty one, `.` or `..`. */
const strayPart = /(?:^|\/)\.{0,2}(?:\/|$)/;

/** GNU closes a long name with a NUL. */
function textOf(body: Buffer): RawPath {
	const text = body.toString("latin1");
	const end = text.indexOf("\0");
	return end === -1 ? text : text.slice(0, end);
}
