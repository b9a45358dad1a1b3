import { nameOfErrno, type System, systemError } from "./call-system.ts";
import type { RawPath } from "./raw-path.ts";
import type { Attributes } from "./tree-entry.ts";

/** Linux has no longer list of names and no longer value. */
const space = Buffer.allocUnsafeSlow(65_536);

/** What a file system says that has no attributes, or not for such a thing; and of what went since it was listed. */
const nothing: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENODATA", "ENOENT"]);

/** All attributes that this process may see, by rising name; undefined where there are none. One call says so. */
export function readAttributes(system: System, path: RawPath): Attributes | undefined {
	const listed = system.listAttributes(path, space);
	if (listed === 0) return undefined;
	if (listed < 0) return refuse(listed, { call: "llistxattr", path });
	const names = space
		.toString("latin1", 0, listed - 1)
		.split("\0")
		.sort();
	const attributes = new Map<RawPath, Buffer>();
	for (const name of names) {
		const bytes = system.getAttribute(path, name, space);
		if (bytes < 0) refuse(bytes, { call: "lgetxattr", path });
		else attributes.set(name, Buffer.from(space.subarray(0, bytes)));
	}
	return attributes.size === 0 ? undefined : attributes;
}

function refuse(answer: number, call: { call: string; path: RawPath }): undefined {
	if (!nothing.has(nameOfErrno(answer))) throw systemError(answer, call);
}

export function isSameAttributes(left: Attributes | undefined, right: Attributes | undefined): boolean {
	if (left?.size !== right?.size) return false;
	for (const [name, value] of left ?? []) {
		if (right?.get(name)?.equals(value) !== true) return false;
	}
	return true;
}
