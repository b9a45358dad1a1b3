import { isEnded } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import { isWhole, type RunRecord, type WholeRecord } from "../history/records.ts";
import { commitParts, endedAs, linkPart } from "./advance.ts";

/**
 * Cancels the rest of a whole: what was not begun is never begun, and what was begun for it is cancelled by `cancelPart`. What was
 * under way for somebody else goes on; the whole ends when it has ended.
 */
export function cancelWhole(core: Core, whole: WholeRecord, cancelPart: (record: RunRecord) => void): void {
	const parts = whole.parts
		.map((part) => linkPart(core, part))
		.map((part) => (part.run === null && part.ended === null ? endedAs(part, "cancelled", null) : part));
	for (const { run, joined } of parts) {
		const record = run === null || joined ? undefined : core.runs.find(run);
		if (record !== undefined && !isWhole(record) && !isEnded(record.run.state)) cancelPart(record);
	}
	commitParts(core, whole, { parts, point: "cancel" });
}
