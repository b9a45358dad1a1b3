import type { RestartPolicy } from "../docker/engine.ts";

/** With this the engine leaves a container stopped, also when the engine itself starts again. */
export const noRestart: RestartPolicy = { Name: "no", MaximumRetryCount: 0 };

/** The engine writes an empty name where nothing was asked for. */
export function isFrozenPolicy({ Name }: RestartPolicy): boolean {
	return Name === "" || Name === "no";
}

export function isSamePolicy(left: RestartPolicy, right: RestartPolicy): boolean {
	if (isFrozenPolicy(left) && isFrozenPolicy(right)) return true;
	return left.Name === right.Name && left.MaximumRetryCount === right.MaximumRetryCount;
}
