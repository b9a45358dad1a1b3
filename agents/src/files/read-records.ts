import type { RawPath } from "./raw-path.ts";
import { type SparseRecords, TarDamage, type TarHeader } from "./tar-header.ts";
import { type Attributes, parseNs } from "./tree-entry.ts";

/** Extended records of pax, by key. */
export type TarRecords = ReadonlyMap<string, RawPath>;

/** Records are `LENGTH KEY=VALUE\n`, where LENGTH counts all of it. */
export function parseRecords(body: Buffer): Map<string, RawPath> {
	const records = new Map<string, RawPath>();
	const text = body.toString("latin1");
	for (let at = 0; at < text.length; ) {
		const blank = text.indexOf(" ", at);
		const digits = text.slice(at, Math.max(at, blank));
		const end = at + (/^[1-9]\d{0,8}$/.test(digits) ? Number(digits) : 0);
		const equals = text.indexOf("=", blank);
		// `end` is past `at` only behind digits and a blank, so each turn goes on.
		if (end <= at || end > text.length || equals === -1 || equals >= end || text[end - 1] !== "\n") {
			throw new TarDamage("an extended record is broken");
		}
		keep(records, text.slice(blank + 1, equals), text.slice(equals + 1, end - 1));
		at = end;
	}
	return records;
}

/** GNU's sparse format 0.0 says the same keys again and again; what they say becomes the map of 0.1. */
function keep(records: Map<string, RawPath>, key: string, value: RawPath): void {
	if (key !== "GNU.sparse.offset" && key !== "GNU.sparse.numbytes") {
		records.set(key, value);
		return;
	}
	const before = records.get("GNU.sparse.map");
	records.set("GNU.sparse.map", before === undefined ? value : `${before},${value}`);
}

/** The header with what extended records say instead. */
export function applyRecords(header: TarHeader, records: TarRecords): TarHeader {
	if (records.size === 0) return header;
	const mtime = records.get("mtime");
	const xattrs = attributesIn(records);
	const sparse = sparseIn(records);
	return {
		...header,
		name: records.get("GNU.sparse.name") ?? records.get("path") ?? header.name,
		link: records.get("linkpath") ?? header.link,
		size: wholeRecord(records, "size") ?? header.size,
		uid: wholeRecord(records, "uid") ?? header.uid,
		gid: wholeRecord(records, "gid") ?? header.gid,
		mtimeNs: mtime === undefined ? header.mtimeNs : readTime(mtime),
		...(xattrs === undefined ? {} : { xattrs }),
		...(sparse === undefined ? {} : { sparse }),
	};
}

const attributePrefix = "SCHILY.xattr.";

function attributesIn(records: TarRecords): Attributes | undefined {
	const found = new Map<RawPath, Buffer>();
	for (const [key, value] of records) {
		if (!key.startsWith(attributePrefix)) continue;
		const name = key.slice(attributePrefix.length).replaceAll("%3D", "=").replaceAll("%25", "%");
		if (name === "" || name.includes("\0")) throw new TarDamage("an extended attribute has no name");
		found.set(name, Buffer.from(value, "latin1"));
	}
	if (found.size === 0) return undefined;
	return new Map([...found].sort(([left], [right]) => (left < right ? -1 : 1)));
}

function sparseIn(records: TarRecords): SparseRecords | undefined {
	const major = wholeRecord(records, "GNU.sparse.major");
	if (major !== undefined) {
		if (major !== 1)
			throw new TarDamage(`a sparse file is in GNU's format ${major}, which Davit does not read`);
		return { size: wholeRecord(records, "GNU.sparse.realsize") ?? 0, map: undefined };
	}
	const size = wholeRecord(records, "GNU.sparse.size");
	if (size === undefined) return undefined;
	const map = records.get("GNU.sparse.map") ?? "";
	return { size, map: map === "" ? [] : map.split(",").map(wholeNumber) };
}

function wholeRecord(records: TarRecords, key: string): number | undefined {
	const text = records.get(key);
	return text === undefined ? undefined : wholeNumber(text);
}

/** Throws `TarDamage` for what is no whole number that JavaScript can hold. */
export function wholeNumber(text: string): number {
	const value = Number(text);
	if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(value)) return value;
	throw new TarDamage(`an extended header holds no number where it should: ${text.slice(0, 20)}`);
}

function readTime(text: string): bigint {
	try {
		return parseNs(text);
	} catch (error) {
		throw new TarDamage("an extended mtime is no time", { cause: error });
	}
}
