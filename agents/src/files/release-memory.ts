/** Below, Node puts several buffers into one piece of memory; and so little waits well for the collection of garbage. */
const smallestBytes = 1024 * 1024;

/**
 * Gives a large buffer's memory back at once; it is empty from then on. Left to the collection of garbage, buffers of megabytes ask
 * for one after another.
 */
export function releaseMemory({ buffer }: Uint8Array): void {
	if (!(buffer instanceof ArrayBuffer) || buffer.detached) return;
	if (buffer.byteLength >= smallestBytes) buffer.transfer(0);
}
