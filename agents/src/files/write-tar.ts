import { type RawPath, rootPath } from "./raw-path.ts";
import { type EntryType, type Stretches, storedSize, type TreeEntry } from "./tree-entry.ts";
import { extendedRecords, maximumId, maximumSize } from "./write-records.ts";

export const blockBytes = 512;
/** Two blocks of zeros; a tar without them was cut off. */
export const endMarker = Buffer.alloc(2 * blockBytes);

const typeFlags: Partial<Record<EntryType, string>> = {
	file: "0",
	hardlink: "1",
	symlink: "2",
	"character-device": "3",
	"block-device": "4",
	directory: "5",
	fifo: "6",
};

/**
 * The blocks before an entry's content: POSIX.1-2001 (pax), a ustar header and, where that cannot hold the whole truth, extended
 * records before it. Names stay raw bytes in both, as GNU tar writes and reads them.
 */
export function tarHeader(entry: TreeEntry): Buffer {
	const { bytes, fill } = spellHeader(entry);
	const headers = Buffer.alloc(bytes);
	fill(headers, 0);
	return headers;
}

/** The same, for whoever has the room for it: `fill` sets what is not zero. */
export function spellHeader(entry: TreeEntry): {
	readonly bytes: number;
	readonly fill: (into: Buffer, at: number) => void;
} {
	const flag = typeFlags[entry.type];
	if (flag === undefined) throw new TypeError(`a tar cannot hold a ${entry.type}`);
	const name = tarName(entry);
	const map = entry.sparse === undefined ? noMap : sparseMap(entry.sparse, entry.size);
	const size = map.length + storedSize(entry);
	const link = linkName({ target: entry.target, flag });
	const records = extendedRecords(entry, { name, link, size });
	const header = { ...entry, name: entry.sparse === undefined ? name : sparseName, flag, link, size };
	const recordBlocks = records === "" ? 0 : blockBytes + padded(records.length);
	return {
		bytes: recordBlocks + blockBytes + map.length,
		fill(into, at) {
			if (records !== "") {
				recordsHeader(records.length).copy(into, at);
				into.write(records, at + blockBytes, "latin1");
			}
			fillHeader(into, at + recordBlocks, header);
			map.copy(into, at + recordBlocks + blockBytes);
		},
	};
}

/** By the length of the records: few lengths come again and again. */
const recordsHeaders = new Map<number, Buffer>();

function recordsHeader(size: number): Buffer {
	const known = recordsHeaders.get(size);
	if (known !== undefined) return known;
	const block = Buffer.alloc(blockBytes);
	fillHeader(block, 0, { name: "./PaxHeaders", flag: "x", mode: 0o644, uid: 0, gid: 0, mtimeNs: 0n, size });
	if (size < maximumKept) recordsHeaders.set(size, block);
	return block;
}

/** Bytes of records whose header is kept. */
const maximumKept = 1024;

const noMap = Buffer.alloc(0);
/** What a reader makes that knows no holes; the others take the name from the records. */
const sparseName = "./GNUSparseFile.0/file";

/** GNU's format 1.0: numbers in decimal, one a line, before the content. One that ends with a hole has an empty stretch there. */
function sparseMap(stretches: Stretches, size: number): Buffer {
	const last = stretches.at(-1);
	const isOpen = last === undefined || last[0] + last[1] < size;
	const numbers = [...stretches, ...(isOpen ? [[size, 0]] : [])].flat();
	const text = [numbers.length / 2, ...numbers].map((number) => `${number}\n`).join("");
	const map = Buffer.alloc(padded(text.length));
	map.write(text, 0, "latin1");
	return map;
}

/** `bytes` rounded up to whole blocks. */
export function padded(bytes: number): number {
	return Math.ceil(bytes / blockBytes) * blockBytes;
}

/** How the tar names a path: below `./`, a directory with a slash at its end. */
export function tarName({ path, type }: Pick<TreeEntry, "path" | "type">): RawPath {
	if (path === rootPath) return "./";
	return type === "directory" ? `./${path}/` : `./${path}`;
}

const second = 1_000_000_000n;

interface Header {
	readonly name: RawPath;
	readonly flag: string;
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	readonly size: number;
	readonly mtimeNs: bigint;
	readonly link?: RawPath;
	readonly device?: readonly [number, number];
}

/** Fields that do not fit are cut or zero: the extended records before the header hold them. */
function fillHeader(into: Buffer, at: number, header: Header): void {
	template.copy(into, at);
	into.write(header.name.slice(0, 100), at, "latin1");
	writeOctal(into, header.mode, { at: at + 100, digits: 7 });
	writeOctal(into, fitting(header.uid, maximumId), { at: at + 108, digits: 7 });
	writeOctal(into, fitting(header.gid, maximumId), { at: at + 116, digits: 7 });
	writeOctal(into, fitting(header.size, maximumSize), { at: at + 124, digits: 11 });
	writeOctal(into, fitting(Number(header.mtimeNs / second), maximumSize), { at: at + 136, digits: 11 });
	into[at + 156] = header.flag.charCodeAt(0);
	if (header.link) into.write(header.link.slice(0, 100), at + 157, "latin1");
	if (header.device !== undefined) {
		writeOctal(into, fitting(header.device[0], maximumId), { at: at + 329, digits: 7 });
		writeOctal(into, fitting(header.device[1], maximumId), { at: at + 337, digits: 7 });
	}
	writeOctal(into, checksum(into, at), { at: at + 148, digits: 6 });
}

/** What every header holds: blanks in the place of the checksum, the format's name, and devices of 0. */
const template = Buffer.alloc(blockBytes);
template.write("        ", 148, "latin1");
template.write("ustar\u000000", 257, "latin1");
for (const at of [329, 337]) template.write("0000000", at, "latin1");

/** A hard link names another entry of the tar; a symlink's target is kept as it is. */
function linkName({
	target,
	flag,
}: {
	readonly target: RawPath | undefined;
	readonly flag: string;
}): RawPath {
	return flag === "1" ? `./${target ?? ""}` : (target ?? "");
}

function fitting(value: number, maximum: number): number {
	return value >= 0 && value <= maximum ? value : 0;
}

function writeOctal(block: Buffer, value: number, { at, digits }: { at: number; digits: number }): void {
	let left = value;
	for (let digit = at + digits - 1; digit >= at; digit -= 1) {
		block[digit] = 0x30 + (left % 8);
		left = Math.floor(left / 8);
	}
	// What follows the digits is a NUL already, but for the checksum's trailing blank, which its rule asks for.
	if (digits === 6) block[at + digits] = 0;
}

/** The sum of the bytes of the header at `start` with blanks in the place of the sum. */
export function checksum(block: Uint8Array, start = 0): number {
	let sum = 8 * 0x20;
	for (let at = start; at < start + 148; at += 1) sum += block[at] ?? 0;
	for (let at = start + 156; at < start + blockBytes; at += 1) sum += block[at] ?? 0;
	return sum;
}
