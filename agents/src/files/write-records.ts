import type { RawPath } from "./raw-path.ts";
import { spellAccessList } from "./spell-access-list.ts";
import { formatNs, type TreeEntry } from "./tree-entry.ts";

/** The largest that a header's own fields hold. */
export const maximumId = 0o7777777;
export const maximumSize = 0o77777777777;

export interface Spelled {
	readonly name: RawPath;
	readonly link: RawPath;
	/** As in the header: of a sparse file its map and its stretches. */
	readonly size: number;
}

/** What a plain header cannot say of an entry, as records of pax; empty where it says everything. */
export function extendedRecords(entry: TreeEntry, { name, link, size }: Spelled): string {
	const { uid, gid, mtimeNs, xattrs } = entry;
	let records = "";
	if (name.length > 100 && entry.sparse === undefined) records += record("path", name);
	if (link.length > 100) records += record("linkpath", link);
	if (size > maximumSize) records += record("size", `${size}`);
	if (uid > maximumId) records += record("uid", `${uid}`);
	if (gid > maximumId) records += record("gid", `${gid}`);
	const isPlainTime =
		mtimeNs >= 0n && mtimeNs % 1_000_000_000n === 0n && mtimeNs < 8_000_000_000_000_000_000n;
	if (!isPlainTime) records += record("mtime", formatNs(mtimeNs));
	for (const [key, value] of xattrs ?? []) records += attributeRecords(key, value);
	if (entry.sparse !== undefined) {
		records += record("GNU.sparse.major", "1") + record("GNU.sparse.minor", "0");
		records += record("GNU.sparse.name", name) + record("GNU.sparse.realsize", `${entry.size}`);
	}
	return records;
}

/** By the attributes that hold them; GNU tar restores access control lists from their text alone. */
const listKeys: ReadonlyMap<RawPath, string> = new Map([
	["system.posix_acl_access", "SCHILY.acl.access"],
	["system.posix_acl_default", "SCHILY.acl.default"],
]);

/** As GNU tar writes it: a record's key ends at its first equals sign. */
function attributeRecords(name: RawPath, value: Buffer): string {
	const key = `SCHILY.xattr.${name.replaceAll("%", "%25").replaceAll("=", "%3D")}`;
	const records = record(key, value.toString("latin1"));
	const listKey = listKeys.get(name);
	const text = listKey === undefined ? undefined : spellAccessList(value);
	return listKey === undefined || text === undefined ? records : records + record(listKey, text);
}

/** A pax record begins with its own length, which counts its own digits. */
function record(key: string, value: RawPath): string {
	const rest = ` ${key}=${value}\n`;
	let length = rest.length + 1;
	while (`${length}`.length + rest.length !== length) length += 1;
	return `${length}${rest}`;
}
