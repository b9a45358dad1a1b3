import { type FailureReport, instantOf, isEnded, judgeParts, type RunState } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { PartRecord, WholeRecord } from "../history/records.ts";

/** The whole as it follows from its parts and nothing else; `states` are theirs, in the same order. */
export function judgeWhole(core: Core, whole: WholeRecord, states: readonly RunState[]): WholeRecord {
	const { failure: _failure, progress: _progress, ...run } = whole.run;
	const state = judgeParts(states);
	const now = instantOf(core.now());
	const isBegun = states.some((one) => one !== "requested");
	const bytes = bytesOf(core, whole.parts);
	const common = { ...run, state, ...(isBegun ? { startedAt: run.startedAt ?? now } : {}) };
	if (!isEnded(state))
		return { ...whole, run: { ...common, progress: { step: stepOf(whole.parts), bytes } } };
	const failure = failureOf(whole, states);
	const result = { parts: states.length, succeeded: countOf(states, "succeeded"), bytes };
	return {
		...whole,
		run: { ...common, endedAt: now, result, ...(failure === undefined ? {} : { failure }) },
	};
}

function stepOf(parts: readonly PartRecord[]): string {
	const ended = parts.filter((part) => part.ended !== null).length;
	const going = parts.filter((part) => part.ended === null && part.run !== null).length;
	return `${ended} of ${parts.length} ended, ${going} under way`;
}

/** Names every part that did not succeed, as far as there is room. */
function failureOf({ run, parts }: WholeRecord, states: readonly RunState[]): FailureReport | undefined {
	const bad = parts.flatMap(({ resource, ended }, index) => {
		const state = states[index];
		if (state === undefined || state === "succeeded") return [];
		const code = ended?.failure?.code;
		return [`${resource} ${state}${code === undefined || code === state ? "" : ` (${code})`}`];
	});
	if (bad.length === 0) return undefined;
	const message = `${bad.length} of ${parts.length} parts of the backup of ${run.host} did not succeed: ${bad.join(", ")}`;
	return {
		code: "part-failed",
		message: message.length > 2000 ? `${message.slice(0, 1999)}…` : message,
		hint: `davit show ${run.run}`,
		retryable: true,
	};
}

function bytesOf(core: Core, parts: readonly PartRecord[]): number {
	return parts.reduce((sum, { run, ended }) => {
		const bytes = run === null || ended === null ? undefined : core.runs.find(run)?.run.result?.["bytes"];
		return sum + (typeof bytes === "number" ? bytes : 0);
	}, 0);
}

function countOf(states: readonly RunState[], wanted: RunState): number {
	return states.filter((state) => state === wanted).length;
}
