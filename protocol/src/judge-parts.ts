import { isEnded, type RunState } from "./run.ts";

/**
 * What became of a whole, from what became of its parts and nothing else. `succeeded` only where every part did, and there was one;
 * the worst word wins, and one part that may still go on keeps the whole open.
 */
export function judgeParts(parts: readonly RunState[]): RunState {
	const has = (state: RunState) => parts.includes(state);
	if (parts.length === 0) return "failed";
	if (has("unknown")) return "unknown";
	if (parts.some((state) => !isEnded(state))) {
		return parts.every((state) => state === "requested") ? "requested" : "running";
	}
	if (has("inconsistent")) return "inconsistent";
	if (parts.every((state) => state === "succeeded")) return "succeeded";
	if (has("succeeded") || has("partial")) return "partial";
	const [first] = parts;
	// Nothing was done: the parts' own word where they agree on one.
	return first !== undefined && parts.every((state) => state === first) ? first : "failed";
}
