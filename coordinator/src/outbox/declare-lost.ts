import { instantOf, isOperationName, operations, type Run } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { RunRecord } from "../history/records.ts";
import { commitRun, withState } from "../runs/change.ts";

export function isDestroying({ operation }: Run): boolean {
	return isOperationName(operation) && operations[operation].effect === "destroys";
}

/** The host does not know any more what it did for this run: what it destroys may be half done. */
export function declareLost(core: Core, record: RunRecord): void {
	const { operation, host, resource } = record.run;
	const isDangerous = isDestroying(record.run);
	const failure = isDangerous
		? {
				code: "inconsistent" as const,
				message: `${host} lost its memory in the middle of ${operation} of ${resource}; what state it is in cannot be told`,
				hint: "look at the resource on its host; a person must decide",
				retryable: false,
			}
		: {
				code: "interrupted" as const,
				message: `${host} lost its memory in the middle of ${operation} of ${resource}`,
				hint: "ask again",
				retryable: true,
			};
	const endedAt = instantOf(core.now());
	const state = isDangerous ? "inconsistent" : "failed";
	commitRun(core, withState(record, { state, failure, endedAt }), {
		point: "verdict",
		also: () => core.history.runs.settleCommand(record.command),
	});
	core.outbox.settle(record.command);
}
