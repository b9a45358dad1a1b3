/** The tags of Linux's `posix_acl_xattr_entry`. */
const tags: ReadonlyMap<number, string> = new Map([
	[0x01, "user"],
	[0x02, "user"],
	[0x04, "group"],
	[0x08, "group"],
	[0x10, "mask"],
	[0x20, "other"],
]);
const namesSomebody: ReadonlySet<number> = new Set([0x02, 0x08]);
const [headBytes, entryBytes, knownVersion] = [4, 8, 2];

/**
 * An access control list as the kernel gives it, in the text that GNU tar restores one from (it passes over the attribute); ids are
 * numbers. Undefined for what is no list of the one version there is.
 */
export function spellAccessList(value: Buffer): string | undefined {
	const isWhole = value.length >= headBytes && (value.length - headBytes) % entryBytes === 0;
	if (!isWhole || value.readUInt32LE(0) !== knownVersion) return undefined;
	const lines: string[] = [];
	for (let at = headBytes; at < value.length; at += entryBytes) {
		const [tag, bits] = [value.readUInt16LE(at), value.readUInt16LE(at + 2)];
		const name = tags.get(tag);
		if (name === undefined) return undefined;
		const who = namesSomebody.has(tag) ? `${value.readUInt32LE(at + 4)}` : "";
		lines.push(`${name}:${who}:${bits & 4 ? "r" : "-"}${bits & 2 ? "w" : "-"}${bits & 1 ? "x" : "-"}`);
	}
	return lines.join("\n");
}
