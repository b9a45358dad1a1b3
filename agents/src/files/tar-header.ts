import type { RawPath } from "./raw-path.ts";
import { type EntryType, parseNs } from "./tree-entry.ts";
import { blockBytes, checksum } from "./write-tar.ts";

/** A header block as it stands; names are raw bytes. */
export interface TarHeader {
	readonly name: RawPath;
	readonly flag: string;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly size: number;
	readonly mtimeNs: bigint;
	readonly link: RawPath;
	readonly device: readonly [number, number];
}

/** Extended records of pax, by key. */
export type TarRecords = ReadonlyMap<string, RawPath>;

/** What is wrong with a tar's own structure; the reader of the tar says of which tar. */
export class TarDamage extends Error {
	override readonly name = "TarDamage";
}

const typesByFlag: Readonly<Record<string, EntryType>> = {
	"0": "file",
	"\0": "file",
	"7": "file",
	"1": "hardlink",
	"2": "symlink",
	"3": "character-device",
	"4": "block-device",
	"5": "directory",
	"6": "fifo",
};

export function typeOfHeader({ flag, name }: TarHeader): EntryType {
	const type = typesByFlag[flag];
	if (type === undefined)
		throw new TarDamage(`an entry has the type ${JSON.stringify(flag)}, which Davit does not read`);
	// Before 1988 a directory was a file whose name ends in a slash.
	return type === "file" && name.endsWith("/") ? "directory" : type;
}

export function parseHeader(block: Buffer): TarHeader {
	if (readNumber(block, 148, 8) !== checksum(block)) throw new TarDamage("a header's checksum is wrong");
	const isPosix = block.toString("latin1", 257, 263) === "ustar\0";
	const prefix = isPosix ? readText(block, 345, 155) : "";
	const name = readText(block, 0, 100);
	return {
		name: prefix === "" ? name : `${prefix}/${name}`,
		flag: block.toString("latin1", 156, 157),
		mode: readNumber(block, 100, 8) & 0o7777,
		uid: readNumber(block, 108, 8),
		gid: readNumber(block, 116, 8),
		size: readNumber(block, 124, 12),
		mtimeNs: BigInt(readNumber(block, 136, 12)) * 1_000_000_000n,
		link: readText(block, 157, 100),
		device: [readNumber(block, 329, 8), readNumber(block, 337, 8)],
	};
}

/** The header with what extended records say instead. */
export function applyRecords(header: TarHeader, records: TarRecords): TarHeader {
	if (records.size === 0) return header;
	for (const key of records.keys()) {
		if (key.startsWith("GNU.sparse."))
			throw new TarDamage("it holds a sparse file, which Davit does not read yet");
	}
	const mtime = records.get("mtime");
	return {
		...header,
		name: records.get("path") ?? header.name,
		link: records.get("linkpath") ?? header.link,
		size: wholeRecord(records, "size") ?? header.size,
		uid: wholeRecord(records, "uid") ?? header.uid,
		gid: wholeRecord(records, "gid") ?? header.gid,
		mtimeNs: mtime === undefined ? header.mtimeNs : readTime(mtime),
	};
}

/** Records are `LENGTH KEY=VALUE\n`, where LENGTH counts all of it. */
export function parseRecords(body: Buffer): Map<string, RawPath> {
	const records = new Map<string, RawPath>();
	const text = body.toString("latin1");
	for (let at = 0; at < text.length; ) {
		const blank = text.indexOf(" ", at);
		const digits = text.slice(at, Math.max(at, blank));
		const end = at + (/^[1-9]\d{0,8}$/.test(digits) ? Number(digits) : 0);
		const equals = text.indexOf("=", blank);
		if (end > text.length || equals === -1 || equals >= end || text[end - 1] !== "\n") {
			throw new TarDamage("an extended record is broken");
		}
		records.set(text.slice(blank + 1, equals), text.slice(equals + 1, end - 1));
		at = end;
	}
	return records;
}

export function isZeroBlock(block: Buffer): boolean {
	return block.equals(zeroBlock);
}

const zeroBlock = Buffer.alloc(blockBytes);

function wholeRecord(records: TarRecords, key: string): number | undefined {
	const text = records.get(key);
	if (text === undefined) return undefined;
	const value = Number(text);
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
		throw new TarDamage(`an extended ${key} is no number`);
	return value;
}

function readTime(text: string): bigint {
	try {
		return parseNs(text);
	} catch (error) {
		throw new TarDamage("an extended mtime is no time", { cause: error });
	}
}

function readText(block: Buffer, at: number, bytes: number): RawPath {
	const end = block.indexOf(0, at);
	return block.toString("latin1", at, end === -1 ? at + bytes : Math.min(end, at + bytes));
}

/** Octal digits, or GNU's base 256 where the first bit is set. */
function readNumber(block: Buffer, at: number, bytes: number): number {
	const first = block[at] ?? 0;
	if (first & 0x80) return readBase256(block.subarray(at, at + bytes));
	const end = at + bytes;
	let [value, position] = [0, at];
	while (position < end && block[position] === blank) position += 1;
	for (; position < end; position += 1) {
		const code = block[position] ?? 0;
		if (code === 0 || code === blank) break;
		if (code < 0x30 || code > 0x37) throw new TarDamage("a number in a header is not octal");
		value = value * 8 + code - 0x30;
	}
	return value;
}

const blank = 0x20;

function readBase256(field: Buffer): number {
	const unsigned = BigInt(`0x${field.toString("hex")}`);
	const bits = field.length * 8;
	const isNegative = (field[0] ?? 0) === 0xff;
	const value = isNegative ? unsigned - (1n << BigInt(bits)) : unsigned & ((1n << BigInt(bits - 1)) - 1n);
	if (value > BigInt(Number.MAX_SAFE_INTEGER) || value < -BigInt(Number.MAX_SAFE_INTEGER)) {
		throw new TarDamage("a number in a header is too large");
	}
	return Number(value);
}
