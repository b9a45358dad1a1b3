import { nameOfErrno, type OpenFd, type System, systemError } from "./call-system.ts";
import type { RawPath } from "./raw-path.ts";
import type { Attributes } from "./tree-entry.ts";

/** Linux has no longer list of names and no longer value. */
const space = Buffer.allocUnsafeSlow(65_536);

/** What a file system says that has no attributes, or not for such a thing; and of what went since it was listed. */
const nothing: ReadonlySet<string> = new Set(["ENOTSUP", "EOPNOTSUPP", "ENODATA", "ENOENT"]);

/** All attributes that this process may see, by rising name; undefined where there are none. One call says so. */
export function readAttributes(system: System, at: RawPath | OpenFd): Attributes | undefined {
	const bytes = system.listAttributes(at);
	if (bytes === 0) return undefined;
	const listed = bytes < 0 ? bytes : system.listAttributes(at, space);
	if (listed < 0) return refuse(listed, { call: "listxattr", at });
	const names = space
		.toString("latin1", 0, Math.max(0, listed - 1))
		.split("\0")
		.filter((name) => name !== "")
		.sort();
	const attributes = new Map<RawPath, Buffer>();
	for (const name of names) {
		const length = system.getAttribute(at, name, space);
		if (length < 0) refuse(length, { call: "getxattr", at });
		else attributes.set(name, Buffer.from(space.subarray(0, length)));
	}
	return attributes.size === 0 ? undefined : attributes;
}

function refuse(answer: number, { call, at }: { call: string; at: RawPath | OpenFd }): undefined {
	if (!nothing.has(nameOfErrno(answer))) throw systemError(answer, { call, path: `${at}` });
}

export function isSameAttributes(left: Attributes | undefined, right: Attributes | undefined): boolean {
	if (left?.size !== right?.size) return false;
	for (const [name, value] of left ?? []) {
		if (right?.get(name)?.equals(value) !== true) return false;
	}
	return true;
}
