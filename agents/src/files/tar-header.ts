import type { RawPath } from "./raw-path.ts";
import type { Attributes, EntryType } from "./tree-entry.ts";
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
	/** What only extended records can say. */
	readonly xattrs?: Attributes;
	readonly sparse?: SparseRecords;
}

/** A file with holes; `size` of its header is what is stored. */
export interface SparseRecords {
	/** With holes. */
	readonly size: number;
	/** Offsets and lengths in turn; undefined where they stand before the content (GNU's format 1.0). */
	readonly map: readonly number[] | undefined;
}

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
	const hasPrefix = block[345] !== 0 && block.toString("latin1", 257, 263) === "ustar\0";
	const prefix = hasPrefix ? readText(block, 345, 155) : "";
	const name = readText(block, 0, 100);
	return {
		name: prefix === "" ? name : `${prefix}/${name}`,
		flag: String.fromCharCode(block[156] ?? 0),
		mode: readCount(block, 100, 8) & 0o7777,
		uid: readCount(block, 108, 8),
		gid: readCount(block, 116, 8),
		size: readCount(block, 124, 12),
		mtimeNs: BigInt(readNumber(block, 136, 12)) * 1_000_000_000n,
		link: block[157] === 0 ? "" : readText(block, 157, 100),
		device: [readCount(block, 329, 8), readCount(block, 337, 8)],
	};
}

export function isZeroBlock(block: Buffer): boolean {
	// A header begins with a name: its first byte says so without a call.
	return block[0] === 0 && block.equals(zeroBlock);
}

const zeroBlock = Buffer.alloc(blockBytes);

function readText(block: Buffer, at: number, bytes: number): RawPath {
	const end = block.indexOf(0, at);
	return block.toString("latin1", at, end === -1 ? at + bytes : Math.min(end, at + bytes));
}

/** What cannot be below zero: a negative size would be read for ever. */
function readCount(block: Buffer, at: number, bytes: number): number {
	const value = readNumber(block, at, bytes);
	if (value < 0) throw new TarDamage("a number in a header is negative");
	return value;
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
