import { readSync } from "node:fs";
import type { Stretches } from "./tree-entry.ts";

const partBytes = 1024 * 1024;
const part = Buffer.allocUnsafeSlow(partBytes);

/** The content of a file's stretches, a part at a time; zeros in the place of what is gone by now, once `onShorter` let that pass. */
export function* readStretches(
	fd: number,
	stretches: Stretches,
	onShorter: () => void,
): Generator<Buffer, void> {
	for (const [offset, length] of stretches) {
		for (let done = 0; done < length; ) {
			const size = Math.min(length - done, partBytes);
			const bytes = readSync(fd, part, 0, size, offset + done);
			if (bytes === 0) onShorter();
			yield bytes === 0 ? part.fill(0).subarray(0, size) : part.subarray(0, bytes);
			done += bytes === 0 ? size : bytes;
		}
	}
}
