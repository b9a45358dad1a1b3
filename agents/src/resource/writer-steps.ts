import type { Manifest } from "@davit/protocol";
import { z } from "zod";
import { requireEngine } from "../docker/require-engine.ts";
import type { OperationContext, Step } from "../operation.ts";
import { areBack, bringBack } from "./bring-back.ts";
import { noticeStrays } from "./notice-strays.ts";
import type { Place } from "./place.ts";
import type { Treated } from "./plan-treatment.ts";
import { quiesce } from "./quiesce.ts";
import { showAway } from "./show-progress.ts";

/** How long bringing back may take at once. */
const bringBackMs = 5 * 60_000;
/** How long an engine may take to start again before a backup is given up for it. */
const engineStartMs = 20_000;

export interface Treatment {
	readonly place: Place;
	/** Of a stack: its other places. */
	readonly others?: readonly Place[];
	readonly treated: readonly Treated[];
	/** When the operation began, so that only its own stops are looked for. */
	readonly startedAtMs: number;
	/** Whether somebody who begins to write is looked for though nobody wrote. */
	readonly watches?: boolean;
}

export interface WriterSteps {
	/** Empty where nobody is touched. */
	readonly quiesce: readonly Step[];
	/** Looks who wrote meanwhile, then brings all back: in two steps, or after a crash our own starts would look like strays. */
	readonly resume: readonly Step[];
}

const Times = z.object({ atMs: z.record(z.string(), z.number()) });
const Stopped = Times.extend({ doneAtMs: z.number() });
const Started = Times.extend({ beganAtMs: z.number() });
const Noticed = z.object({ warnings: z.array(z.string()).default([]) });

/** Steps around a copy or a swap. Whatever happens to the first, its undo makes each container what it was. */
export function writerSteps(treatment: Treatment, context: OperationContext): WriterSteps {
	const { place, others = [], treated, startedAtMs } = treatment;
	const bringAllBack = (patienceMs: number) =>
		bringBack(treated, {
			patienceMs,
			engine: (during) => requireEngine(context, during),
			onAway: showAway("resume", context),
			...{ signal: AbortSignal.timeout(bringBackMs), now: context.now, startedAtMs },
		});
	const intent = {
		containers: treated.map(({ name, state, treatment: how }) => ({ name, state, treatment: how })),
	};
	const quiesceStep: Step = {
		name: "quiesce",
		intent,
		async run(signal) {
			const engine = await requireEngine(context, signal);
			const atMs = timesOf(await quiesce(treated, { engine, signal, now: context.now }));
			return { atMs, doneAtMs: context.now() };
		},
		probe: async () => ((await isAllBack(treated, context)) ? "absent" : "partial"),
		// What undoes waits for the engine itself, as long as it takes.
		undo: async () => void (await bringAllBack(0)),
	};
	const noticeStep: Step = {
		name: "notice",
		intent,
		async run(signal) {
			const engine = await requireEngine(context, signal);
			const warnings = new Set<string>();
			for (const one of [place, ...others]) {
				const seen = await noticeStrays(treated, one, {
					...{ engine, signal, sinceMs: startedAtMs, now: context.now },
				});
				for (const warning of seen) warnings.add(warning);
			}
			return { warnings: [...warnings] };
		},
		probe: async () => "absent",
		undo: async () => undefined,
	};
	const resumeStep: Step = {
		name: "resume",
		intent,
		async run() {
			const beganAtMs = context.now();
			return { beganAtMs, atMs: timesOf(await bringAllBack(engineStartMs)) };
		},
		probe: async () => ((await isAllBack(treated, context)) ? "complete" : "absent"),
		// What it does is what the undo of `quiesce` does.
		undo: async () => undefined,
	};
	if (treated.length === 0) return { quiesce: [], resume: treatment.watches === true ? [noticeStep] : [] };
	return { quiesce: [quiesceStep], resume: [noticeStep, resumeStep] };
}

/** The same around a copy, which moves nothing of theirs: writers are let go whatever else could not be undone. */
export function writerStepsOfCopy(treatment: Treatment, context: OperationContext): WriterSteps {
	const { quiesce: held, resume } = writerSteps(treatment, context);
	return { quiesce: held.map((step) => ({ ...step, releases: true })), resume };
}

/** How long the longest-treated container did not serve; 0 where none was touched. */
export function downtimeOf(outputs: ReadonlyMap<string, Readonly<Record<string, unknown>>>): number {
	const began = Times.safeParse(outputs.get("quiesce"));
	const ended = Times.safeParse(outputs.get("resume"));
	if (!began.success || !ended.success) return 0;
	const spans = Object.entries(began.data.atMs).map(([id, at]) => (ended.data.atMs[id] ?? at) - at);
	return Math.max(0, ...spans.map(Math.round));
}

/** What the time that nobody served went into; nothing where nobody was held, or an earlier life of the agent held them. */
export function downtimePartsOf(
	outputs: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): Pick<Manifest, "downtimeParts"> {
	const stopped = Stopped.safeParse(outputs.get("quiesce"));
	const started = Started.safeParse(outputs.get("resume"));
	if (!stopped.success || !started.success) return {};
	const { doneAtMs, atMs: beganToStop } = stopped.data;
	const { beganAtMs, atMs: wereBack } = started.data;
	// The clock may be set meanwhile.
	const span = (fromMs: number, toMs: number) => Math.max(0, Math.round(toMs - fromMs));
	const downtimeParts = {
		stopMs: span(Math.min(doneAtMs, ...Object.values(beganToStop)), doneAtMs),
		copyMs: span(doneAtMs, beganAtMs),
		startMs: span(beganAtMs, Math.max(beganAtMs, ...Object.values(wereBack))),
	};
	return { downtimeParts };
}

export function warningsOf(
	outputs: ReadonlyMap<string, Readonly<Record<string, unknown>>>,
): readonly string[] {
	return Noticed.parse(outputs.get("notice") ?? {}).warnings;
}

async function isAllBack(treated: readonly Treated[], context: OperationContext): Promise<boolean> {
	const signal = AbortSignal.timeout(60_000);
	return areBack(treated, await requireEngine(context, signal), signal);
}

function timesOf(times: readonly { readonly id: string; readonly atMs: number }[]): Record<string, number> {
	return Object.fromEntries(times.map(({ id, atMs }) => [id, atMs]));
}
