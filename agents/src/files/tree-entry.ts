import type { BigIntStats } from "node:fs";
import { ArchiveEntry, type Sha256 } from "@davit/protocol";
import { encodeRaw, type RawPath, rawOf } from "./raw-path.ts";

export type EntryType = ArchiveEntry["type"];

/** By rising offset, none empty, none touching the next. */
export type Stretches = readonly (readonly [offset: number, length: number])[];

/** Extended attributes by name, which is raw too; access control lists are among them. */
export type Attributes = ReadonlyMap<RawPath, Buffer>;

/** One thing in a tree; what `ArchiveEntry` is on disk, with raw bytes and whole nanoseconds. */
export interface TreeEntry {
	readonly path: RawPath;
	readonly type: EntryType;
	/** Permissions with setuid, setgid and sticky. */
	readonly mode: number;
	readonly uid: number;
	readonly gid: number;
	/** Bytes of content, holes too; 0 for all but files. */
	readonly size: number;
	readonly mtimeNs: bigint;
	/** Where a symlink points; of a hard link, the path of the entry that holds the content. */
	readonly target?: RawPath;
	readonly device?: readonly [major: number, minor: number];
	/** Of a file with holes its stretches of content, `[offset, length]`; the tar and `sha256` hold those alone. */
	readonly sparse?: Stretches;
	readonly xattrs?: Attributes;
	readonly sha256?: string;
	readonly skipped?: string;
}

/** The entry of something that was looked at with `lstat`. A directory's and a link's size is 0, as in a tar. */
export function entryOf(path: RawPath, stat: BigIntStats): TreeEntry {
	const type = typeOf(stat);
	return {
		path,
		type,
		mode: Number(stat.mode & 0o7777n),
		uid: Number(stat.uid),
		gid: Number(stat.gid),
		size: type === "file" ? Number(stat.size) : 0,
		mtimeNs: stat.mtimeNs,
		...(type.endsWith("device") ? { device: deviceOf(stat.rdev) } : {}),
	};
}

export function typeOf(stat: BigIntStats): EntryType {
	if (stat.isFile()) return "file";
	if (stat.isDirectory()) return "directory";
	if (stat.isSymbolicLink()) return "symlink";
	if (stat.isFIFO()) return "fifo";
	if (stat.isSocket()) return "socket";
	return stat.isCharacterDevice() ? "character-device" : "block-device";
}

/** Bytes of content that the tar holds. */
export function storedSize({ size, sparse }: Pick<TreeEntry, "size" | "sparse">): number {
	return sparse === undefined ? size : sparse.reduce((sum, [, length]) => sum + length, 0);
}

/** The entry as one line of `entries.jsonl`; joined by hand, as `JSON.stringify` of an object takes several times as long. */
export function writeEntry(entry: TreeEntry): string {
	const { type, mode, uid, gid, size, target, sha256, xattrs, sparse, device, skipped } = entry;
	let line = `{${writeRaw("path", entry.path)},"type":"${type}","mode":${mode},"uid":${uid},"gid":${gid}`;
	line += `,"size":${size},"mtime":"${formatNs(entry.mtimeNs)}"`;
	if (target !== undefined) line += `,${writeRaw("target", target)}`;
	if (sha256 !== undefined) line += `,"sha256":"${sha256}"`;
	if (xattrs !== undefined) line += `,"xattrs":${JSON.stringify(encodeAttributes(xattrs))}`;
	if (sparse !== undefined) line += `,"sparse":${JSON.stringify(sparse)}`;
	if (device !== undefined) line += `,"device":${JSON.stringify(device)}`;
	if (skipped !== undefined) line += `,"skipped":${JSON.stringify(skipped)}`;
	return `${line}}\n`;
}

function writeRaw(key: "path" | "target", raw: RawPath): string {
	const encoded = encodeRaw(raw);
	return "text" in encoded ? `"${key}":${JSON.stringify(encoded.text)}` : `"${key}Bytes":"${encoded.base64}"`;
}

/** The entry of one line; throws what JSON or the schema find wrong. */
export function readEntry(line: string): TreeEntry {
	const found = ArchiveEntry.parse(JSON.parse(line));
	const path = rawFrom(found.path, found.pathBytes);
	if (path === undefined) throw new TypeError("an entry has no path");
	const target = rawFrom(found.target, found.targetBytes);
	return {
		path,
		type: found.type,
		mode: found.mode,
		uid: found.uid,
		gid: found.gid,
		size: found.size,
		mtimeNs: parseNs(found.mtime),
		...(target === undefined ? {} : { target }),
		...(found.xattrs === undefined ? {} : { xattrs: decodeAttributes(found.xattrs) }),
		...(found.sparse === undefined ? {} : { sparse: found.sparse }),
		...(found.device === undefined ? {} : { device: found.device }),
		...(found.sha256 === undefined ? {} : { sha256: found.sha256 }),
		...(found.skipped === undefined ? {} : { skipped: found.skipped }),
	};
}

/** Nanoseconds as seconds with up to nine decimals, as PAX writes a time. */
export function formatNs(ns: bigint): string {
	const digits = `${ns < 0n ? -ns : ns}`.padStart(10, "0");
	const [point, sign] = [digits.length - 9, ns < 0n ? "-" : ""];
	let end = digits.length;
	while (end > point && digits.charCodeAt(end - 1) === 0x30) end -= 1;
	const seconds = `${sign}${digits.slice(0, point)}`;
	return end === point ? seconds : `${seconds}.${digits.slice(point, end)}`;
}

/** Digits past the ninth decimal are dropped. Throws `TypeError` for what is no such time. */
export function parseNs(seconds: string): bigint {
	const parts = /^(-?)(\d{1,15})(?:\.(\d*))?$/.exec(seconds);
	if (parts === null) throw new TypeError(`not a time in seconds: ${seconds.slice(0, 40)}`);
	const [, sign, whole = "0", fraction = ""] = parts;
	const ns = BigInt(whole + fraction.slice(0, 9).padEnd(9, "0"));
	return sign === "-" ? -ns : ns;
}

/** SHA-256 that was computed here and needs no check. */
export function sha256Of(hex: string): Sha256 {
	// `digest("hex")` of SHA-256 is 64 lower-case digits, which is all the brand says.
	return hex as Sha256;
}

function encodeAttributes(attributes: Attributes): Record<string, string> {
	const encoded = [...attributes].map(([name, value]) => [name, value.toString("base64")] as const);
	return Object.fromEntries(encoded);
}

function decodeAttributes(encoded: Readonly<Record<string, string>>): Attributes {
	return new Map(Object.entries(encoded).map(([name, value]) => [name, Buffer.from(value, "base64")]));
}

function rawFrom(text: string | undefined, base64: string | undefined): RawPath | undefined {
	if (text !== undefined) return rawOf(text);
	return base64 === undefined ? undefined : Buffer.from(base64, "base64").toString("latin1");
}

/** Linux's encoding of a device number (`gnu_dev_major`, `gnu_dev_minor`). */
function deviceOf(rdev: bigint): [number, number] {
	const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xfffff000n);
	const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffffff00n);
	return [Number(major), Number(minor)];
}
