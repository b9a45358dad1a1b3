import { isEnded, type Run, type RunStep } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { WritePoint } from "../history/history.ts";
import type { AnyRunRecord } from "../history/records.ts";
import { publishRun } from "../publishing/publish.ts";

interface Committing<Kept> {
	readonly point: WritePoint;
	/** Written in the same transaction. */
	readonly also?: (record: Kept) => void;
}

/** Commits a run as it is now and a line of its story, then tells everybody. */
export function commitRun<Kept extends AnyRunRecord>(
	core: Core,
	changed: Kept,
	{ point, also }: Committing<Kept>,
): Kept {
	const record = isEnded(changed.run.state) ? { ...changed, endedMs: core.now() } : changed;
	core.history.write(point, () => {
		core.history.runs.save(record);
		core.history.runs.addStep(record.run.run, stepOf(record.run, core.now()));
		also?.(record);
	});
	tellRun(core, record);
	return record;
}

/** Takes over a run that is only a little further: what is lost with the coordinator is heard again. */
export function tellRun(core: Core, record: AnyRunRecord): void {
	core.runs.keep(record);
	if (!record.hidden) publishRun(core, record.run);
}

/** The run in another state, with or without a failure. */
export function withState<Kept extends AnyRunRecord>(
	record: Kept,
	change: Partial<Run> & Pick<Run, "state">,
): Kept {
	const { failure: _failure, progress: _progress, ...rest } = record.run;
	return { ...record, run: { ...rest, ...change } };
}

function stepOf(run: Run, nowMs: number): RunStep {
	return {
		// instantOf would parse what is made right here.
		at: new Date(nowMs).toISOString() as RunStep["at"],
		state: run.state,
		step: run.progress?.step ?? null,
		message: run.failure?.message ?? null,
		code: run.failure?.code ?? null,
	};
}
