import type { RunState } from "@davit/protocol";

/** Typed against the protocol, without loading it. */
const going: readonly RunState[] = ["requested", "accepted", "running", "unknown"];

export function isEnded(state: RunState): boolean {
	return !going.includes(state);
}
