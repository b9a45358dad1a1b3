import { setTimeout as sleep } from "node:timers/promises";
import { HookReport, OperationError } from "@davit/protocol";
import { z } from "zod";
import type { Engine } from "../docker/engine.ts";
import { requireEngine } from "../docker/require-engine.ts";
import { type ChosenHooks, chooseHooks } from "../hooks/choose-hooks.ts";
import { runHook } from "../hooks/run-hook.ts";
import type { OperationContext, Step } from "../operation.ts";
import { bringBack } from "./bring-back.ts";
import { isAlive } from "./find-users.ts";
import type { Located } from "./locate.ts";
import { inspectAll, type Treated } from "./plan-treatment.ts";
import { showAway } from "./show-progress.ts";

export type HookFacts = {
	readonly hooks?: ChosenHooks;
	/** The containers that hooks run in, as they were before; nothing that a hook does may leave one of them down. */
	readonly hooked?: readonly Treated[];
	readonly startedAtMs: number;
};

const bringBackMs = 5 * 60_000;
const engineStartMs = 20_000;

/**
 * Which hooks a backup runs.
 * @throws OperationError hook-not-allowed
 */
export async function planHooks(
	{ place }: Located,
	names: readonly string[] | undefined,
	{ context, signal }: { readonly context: OperationContext; readonly signal: AbortSignal },
): Promise<Omit<HookFacts, "startedAtMs">> {
	const hooks = chooseHooks(place.resource, names, context.config);
	const wanted = new Set([...hooks.before, ...hooks.after].map(({ container }) => container));
	if (wanted.size === 0) return { hooks, hooked: [] };
	const engine = await requireEngine(context, signal);
	const users = (await engine.containers(signal)).filter(
		({ name, state }) => wanted.has(name) && isAlive(state),
	);
	return { hooks, hooked: await inspectAll(users, "paused", { engine, signal }) };
}

const Ran = z.object({ hooks: z.array(HookReport).default([]) });

/** What every hook of a run said, in order. */
export function hooksOf(outputs: ReadonlyMap<string, unknown>): readonly HookReport[] {
	return ["hooks-before", "hooks-after"].flatMap((step) => Ran.parse(outputs.get(step) ?? {}).hooks);
}

/** A sentence for each hook that failed and did not end the run. */
export function hookWarningsOf(outputs: ReadonlyMap<string, unknown>): readonly string[] {
	return hooksOf(outputs).flatMap((report) => (report.failure === undefined ? [] : [sentenceOf(report)]));
}

/**
 * Hooks before writers are held still, and after they are back. Those after run in every path, a second time where the run fails
 * later, and their containers are started again whatever a hook did.
 */
export function hookSteps(
	facts: HookFacts,
	context: OperationContext,
): { readonly before: readonly Step[]; readonly after: readonly Step[] } {
	const { hooks, hooked = [], startedAtMs } = facts;
	if (hooks === undefined || hooks.before.length + hooks.after.length === 0) return { before: [], after: [] };
	const bringHookedBack = () =>
		bringBack(hooked, {
			patienceMs: engineStartMs,
			engine: (during) => requireEngine(context, during),
			onAway: showAway("resume", context),
			...{ signal: AbortSignal.timeout(bringBackMs), now: context.now, startedAtMs },
		});
	const runAfter = async () => {
		const reports: HookReport[] = [];
		// Their own limits end them: they are not cut short by what ended the run.
		const signal = new AbortController().signal;
		const engine = await bringThenRequire(bringHookedBack, context);
		for (const hook of hooks.after) reports.push(await runHook(hook, "after", { engine, signal }));
		if (reports.some(hasFailed)) await awaitDeath(hooked, engine);
		await bringHookedBack();
		return reports;
	};
	// What an earlier life of the agent ran may have failed as well.
	let isSuspect = true;
	const before: Step = {
		name: "hooks-before",
		intent: { hooks: hooks.before.map(({ name }) => name) },
		async run(signal) {
			const engine = await requireEngine(context, signal);
			const reports: HookReport[] = [];
			for (const hook of hooks.before) {
				const report = await runHook(hook, "before", { engine, signal });
				reports.push(report);
				if (report.failure !== undefined && hook.onFailure === "fail") throw hookFailed(report);
			}
			isSuspect = reports.some(hasFailed);
			return { hooks: reports };
		},
		releases: true,
		probe: async () => "partial",
		async undo() {
			const engine = await requireEngine(context, AbortSignal.timeout(bringBackMs));
			if (isSuspect) await awaitDeath(hooked, engine);
			for (const report of await runAfter()) {
				if (report.failure !== undefined) context.log.warn({ ...report }, "a hook after a backup failed");
			}
		},
	};
	const after: Step = {
		name: "hooks-after",
		intent: { hooks: hooks.after.map(({ name }) => name) },
		run: async () => ({ hooks: await runAfter() }),
		probe: async () => "absent",
		// What it does is what the undo of `hooks-before` does.
		undo: async () => undefined,
	};
	return { before: [before], after: [after] };
}

function hasFailed({ failure }: HookReport): boolean {
	return failure !== undefined;
}

/** A hook that killed its container ends before the engine has seen the container's end: too early to see that it is down. */
async function awaitDeath(hooked: readonly Treated[], engine: Engine): Promise<void> {
	const signal = AbortSignal.timeout(bringBackMs);
	for (let look = 0; look < 10; look += 1) {
		for (const { id, startedAt } of hooked) {
			const found = await engine.container(id, signal);
			if (found === undefined || !isAlive(found.state) || found.startedAt !== startedAt) return;
		}
		await sleep(200, undefined, { signal });
	}
}

async function bringThenRequire(bring: () => Promise<unknown>, context: OperationContext): Promise<Engine> {
	await bring();
	return requireEngine(context, AbortSignal.timeout(bringBackMs));
}

function hookFailed(report: HookReport): OperationError {
	return new OperationError("hook-failed", sentenceOf(report), {
		hint: `mend what hook ${report.name} runs in container ${report.container}, or skip it for once`,
	});
}

function sentenceOf({ name, when, container, failure, lines }: HookReport): string {
	const said = lines.length === 0 ? "" : `; its last words: ${lines.join(" | ")}`;
	return `hook ${name} ${when} the backup, in container ${container}: ${failure ?? "it ended well"}${said}`.slice(
		0,
		900,
	);
}
