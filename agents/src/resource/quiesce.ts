import { OperationError } from "@davit/protocol";
import type { Engine } from "../docker/engine.ts";
import { isFrozenPolicy, noRestart } from "./freeze-restart.ts";
import { wavesOf } from "./order-containers.ts";
import type { Treated } from "./plan-treatment.ts";

export interface Quiesced {
	readonly id: string;
	/** When it was told to stop or pause; milliseconds since 1970. */
	readonly atMs: number;
}

interface Surroundings {
	readonly engine: Engine;
	readonly signal: AbortSignal;
	readonly now: () => number;
}

/**
 * Stops or pauses all of them, who needs another before it. Where one fails the others still are as they are then: `bringBack` is
 * for all of them.
 * Once this has settled, no stop is under way any more: what the engine was told is waited for, whatever the signal says.
 * @throws OperationError resource-in-use where one is not as it was found, docker-refused
 */
export async function quiesce(
	treated: readonly Treated[],
	surroundings: Surroundings,
): Promise<readonly Quiesced[]> {
	const quiesced: Quiesced[] = [];
	for (const wave of wavesOf(treated)) {
		const outcomes = await Promise.allSettled(wave.map((container) => quiesceOne(container, surroundings)));
		surroundings.signal.throwIfAborted();
		for (const outcome of outcomes) {
			if (outcome.status === "rejected") throw outcome.reason;
			quiesced.push(outcome.value);
		}
	}
	return quiesced;
}

async function quiesceOne(container: Treated, { engine, signal, now }: Surroundings): Promise<Quiesced> {
	const { id, name, treatment, graceSeconds, restartPolicy } = container;
	const found = await engine.container(id, signal);
	if (found?.state !== container.state) {
		throw new OperationError(
			"resource-in-use",
			`container ${name} was ${container.state} when it was looked at and is ${found?.state ?? "gone"} now`,
			{ hint: "wait until it is settled, then try again" },
		);
	}
	// The engine carries out a stop whose asker went away: leaving early would stop the container after it was brought back.
	const untilDone = AbortSignal.timeout((graceSeconds + 60) * 1000);
	const quiesced = { id, atMs: now() };
	// One that dies while it is paused would be started again too.
	if (!isFrozenPolicy(restartPolicy)) await engine.setRestartPolicy(id, noRestart, untilDone);
	if (treatment === "paused") {
		await engine.pause(id, untilDone);
		return quiesced;
	}
	// A paused container cannot end by itself: it would be killed when its grace is over.
	if (found.state === "paused") await engine.unpause(id, untilDone);
	await engine.stop(id, graceSeconds, untilDone);
	return quiesced;
}
