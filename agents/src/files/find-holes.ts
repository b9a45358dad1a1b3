import { nameOfErrno, type System } from "./call-system.ts";
import type { Stretches } from "./tree-entry.ts";

/** More of them would make a map that costs more than it saves. */
const maximumStretches = 4096;
const smallestGapBytes = 4096;

/** Where an open file has content; undefined where it has no holes, or its file system does not say. */
export function findStretches(system: System, fd: number, size: number): Stretches | undefined {
	const stretches: [number, number][] = [];
	for (let at = 0; at < size; ) {
		const start = system.seek(fd, at, "data");
		// Nothing but a hole follows.
		if (start < 0 && nameOfErrno(start) === "ENXIO") break;
		const end = start < 0 ? start : system.seek(fd, start, "hole");
		if (end < 0) return undefined;
		if (start >= size) break;
		stretches.push([start, Math.min(end, size) - start]);
		at = end;
	}
	const [first] = stretches;
	if (first !== undefined && first[0] === 0 && first[1] === size) return undefined;
	let joined: Stretches = stretches;
	for (let gap = smallestGapBytes; joined.length > maximumStretches; gap *= 2) joined = join(joined, gap);
	return joined;
}

/** The same content in fewer stretches: gaps up to `gapBytes` are stored as the zeros that they read as. */
function join(stretches: Stretches, gapBytes: number): Stretches {
	const joined: [number, number][] = [];
	for (const [offset, length] of stretches) {
		const last = joined.at(-1);
		if (last !== undefined && offset - (last[0] + last[1]) <= gapBytes) last[1] = offset + length - last[0];
		else joined.push([offset, length]);
	}
	return joined;
}
