import { type AffectedContainer, type Consistency, OperationError } from "@davit/protocol";
import type { Engine, RestartPolicy } from "../docker/engine.ts";
import { isAlive, type User } from "./find-users.ts";
import { type ComposePlace, composePlaceOf } from "./order-containers.ts";

/** A container that an operation stops or pauses, as it was before; JSON, committed before anything is touched. */
export type Treated = {
	readonly id: string;
	readonly name: string;
	/** `running`, `restarting` or `paused`: what it is brought back to. */
	readonly state: string;
	/** As the engine writes it; another value later means that it was started in between. */
	readonly startedAt: string;
	readonly treatment: "stopped" | "paused";
	/** What it has to end by itself before it is killed. */
	readonly graceSeconds: number;
	/** Held at `no` while Davit has the container stopped or paused, then put back. */
	readonly restartPolicy: RestartPolicy;
	/** Of Compose: whom it needs. */
	readonly compose?: ComposePlace;
};

/** What the engine gives a container that asks for nothing else. */
const defaultGraceSeconds = 10;

/**
 * How each user is treated so that nothing writes during a copy. One that is paused already stays as it is.
 * @throws OperationError resource-in-use where stopping a container would remove it
 */
export async function planForCopy(
	users: readonly User[],
	consistency: Exclude<Consistency, "snapshot" | "engine-native">,
	{ engine, signal }: { readonly engine: Engine; readonly signal: AbortSignal },
): Promise<readonly Treated[]> {
	if (consistency === "live") return [];
	const writers = users.filter(({ writes, state }) => writes && isAlive(state) && state !== "paused");
	return inspectAll(writers, consistency, { engine, signal });
}

/**
 * Who is stopped for a swap: all that write, and all that hold the old data through a mount of their own.
 * @throws OperationError resource-in-use where stopping a container would remove it
 */
export async function planForSwap(
	users: readonly User[],
	{ engine, signal }: { readonly engine: Engine; readonly signal: AbortSignal },
): Promise<readonly Treated[]> {
	const holders = users.filter(({ writes, holds, state }) => (writes || holds) && isAlive(state));
	return inspectAll(holders, "stopped", { engine, signal });
}

/** As a person is shown them. */
export function affectedContainers(treated: readonly Treated[]): AffectedContainer[] {
	return treated
		.map(({ name, state }) => ({ name, state }))
		.sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Those of the users that are still alive, as they are now. */
export async function inspectAll(
	users: readonly Pick<User, "id">[],
	treatment: Treated["treatment"],
	{ engine, signal }: { readonly engine: Engine; readonly signal: AbortSignal },
): Promise<readonly Treated[]> {
	const treated: Treated[] = [];
	for (const user of users) {
		const container = await engine.container(user.id, signal);
		// It went away between the list and now, so there is nothing to bring back.
		if (container === undefined || !isAlive(container.state)) continue;
		if (treatment === "stopped" && container.isRemovedWhenStopped) {
			throw new OperationError(
				"resource-in-use",
				`container ${container.name} was started with --rm: stopping it would remove it for good`,
				{ hint: `stop it yourself, or start it without --rm (a backup can also pause it)` },
			);
		}
		const { id, name, state, startedAt, restartPolicy, stopTimeoutSeconds } = container;
		const graceSeconds = stopTimeoutSeconds ?? defaultGraceSeconds;
		const compose = composePlaceOf(container.labels);
		treated.push({
			...{ id, name, state, startedAt, treatment, graceSeconds, restartPolicy },
			...(compose === undefined ? {} : { compose }),
		});
	}
	return treated;
}
