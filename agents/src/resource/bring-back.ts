import { setTimeout as sleep } from "node:timers/promises";
import { OperationError } from "@davit/protocol";
import type { Engine, EngineContainerDetails } from "../docker/engine.ts";
import { isSamePolicy } from "./freeze-restart.ts";
import { wavesOf } from "./order-containers.ts";
import type { Treated } from "./plan-treatment.ts";

interface Surroundings {
	/** Asked again after each failure: the engine itself may have gone and come back. */
	readonly engine: (signal: AbortSignal) => Promise<Engine>;
	/** How long one that does not answer is waited for. */
	readonly patienceMs: number;
	/** Told each time that it does not answer. */
	readonly onAway: (failure: OperationError) => void;
	readonly signal: AbortSignal;
	readonly now: () => number;
	/** When the operation began: since then it may have asked for a stop that is still under way. */
	readonly startedAtMs: number;
}

export interface BroughtBack {
	readonly id: string;
	readonly atMs: number;
	/** It was removed by somebody else, so there was nothing to bring back. */
	readonly isGone: boolean;
}

const pauseBetweenTriesMs = 1_000;
/** For a refusal. */
const tries = 4;

/**
 * Makes every container what it was, whatever it is now, who is needed by another before it; one that cannot be brought back does
 * not keep the others down.
 * @throws OperationError docker-unreachable | container-not-resumed with the names and the engine's words
 */
export async function bringBack(
	treated: readonly Treated[],
	surroundings: Surroundings,
): Promise<readonly BroughtBack[]> {
	const back: BroughtBack[] = [];
	const failures: { readonly name: string; readonly reason: unknown }[] = [];
	for (const wave of wavesOf(treated).toReversed()) {
		const outcomes = await Promise.allSettled(wave.map((container) => insist(container, surroundings)));
		for (const [index, outcome] of outcomes.entries()) {
			if (outcome.status === "fulfilled") back.push(outcome.value);
			else if (isEngineAway(outcome.reason)) throw outcome.reason;
			else failures.push({ name: wave[index]?.name ?? "", reason: outcome.reason });
		}
	}
	if (failures.length > 0) throw notResumed(failures);
	return back;
}

/** Whether all are as they were before. */
export async function areBack(
	treated: readonly Treated[],
	engine: Engine,
	signal: AbortSignal,
): Promise<boolean> {
	for (const container of treated) {
		const found = await engine.container(container.id, signal);
		if (found !== undefined && !isBack(found, container)) return false;
	}
	return true;
}

async function insist(container: Treated, surroundings: Surroundings): Promise<BroughtBack> {
	const { signal, now, patienceMs, onAway } = surroundings;
	const tooLate = performance.now() + patienceMs;
	for (let attempt = 1; ; attempt += 1) {
		try {
			const isGone = await bringBackOne(container, surroundings);
			return { id: container.id, atMs: now(), isGone };
		} catch (error) {
			if (signal.aborted || !(error instanceof OperationError)) throw error;
			if (isEngineAway(error)) onAway(error);
			if (isEngineAway(error) ? performance.now() >= tooLate : attempt >= tries) throw error;
			await sleep(pauseBetweenTriesMs, undefined, { signal });
		}
	}
}

/** True where there is no such container any more. */
async function bringBackOne(container: Treated, surroundings: Surroundings): Promise<boolean> {
	const { id } = container;
	const { signal } = surroundings;
	const engine = await surroundings.engine(signal);
	await awaitStopUnderWay(container, engine, surroundings);
	const found = await engine.container(id, signal);
	if (found === undefined) return true;
	const wasPaused = container.state === "paused";
	if (found.state === "paused" && !wasPaused) await engine.unpause(id, signal);
	if (!isUp(found.state)) await engine.start(id, signal);
	if (wasPaused && found.state !== "paused") await engine.pause(id, signal);
	if (!isSamePolicy(found.restartPolicy, container.restartPolicy)) {
		await engine.setRestartPolicy(id, container.restartPolicy, signal);
	}
	return false;
}

/** A Davit that was killed while it waited for a stop leaves the stop to the engine: starting before it is over is lost. */
async function awaitStopUnderWay(
	{ id, treatment, startedAt, graceSeconds }: Treated,
	engine: Engine,
	{ signal, now, startedAtMs }: Surroundings,
): Promise<void> {
	if (treatment !== "stopped") return;
	const span = { id, sinceMs: startedAtMs, untilMs: now() };
	if (!(await engine.wasToldToEnd(span, signal))) return;
	const tooLate = performance.now() + (graceSeconds + 5) * 1000;
	while (performance.now() < tooLate) {
		const found = await engine.container(id, signal);
		if (found === undefined || !isUp(found.state) || found.startedAt !== startedAt) return;
		await sleep(200, undefined, { signal });
	}
}

function isEngineAway(error: unknown): error is OperationError {
	return error instanceof OperationError && error.code === "docker-unreachable";
}

function isBack(found: EngineContainerDetails, { state, restartPolicy }: Treated): boolean {
	const isRight =
		state === "paused" ? found.state === "paused" : isUp(found.state) && found.state !== "paused";
	return isRight && isSamePolicy(found.restartPolicy, restartPolicy);
}

function isUp(state: string): boolean {
	return state === "running" || state === "paused" || state === "restarting";
}

function notResumed(
	failures: readonly { readonly name: string; readonly reason: unknown }[],
): OperationError {
	const names = failures.map(({ name }) => name).join(", ");
	const first = failures[0]?.reason;
	const reason = first instanceof Error ? first.message : String(first);
	return new OperationError(
		"container-not-resumed",
		`could not bring back ${failures.length === 1 ? "container" : "containers"} ${names}: ${reason}`,
		{ cause: first, hint: `docker start ${failures.map(({ name }) => name).join(" ")}` },
	);
}
