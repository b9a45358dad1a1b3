import { setTimeout as sleep } from "node:timers/promises";
import { OperationError } from "@davit/protocol";
import type { Engine, EngineContainerDetails } from "../docker/engine.ts";
import { requireEngine } from "../docker/require-engine.ts";
import type { OperationContext } from "../operation.ts";
import { findStacks } from "./find-stacks.ts";

const patienceMs = 3 * 60_000;
/** How long all must be well at a stretch. */
const dwellMs = 2_000;

/**
 * Waits until every container of a project that has a check passes it, and every other one stays up or has ended well.
 * @throws OperationError stack-not-healthy as soon as one has failed for good, or when it takes too long
 */
export async function awaitHealth(
	project: string,
	context: OperationContext,
	signal: AbortSignal,
): Promise<void> {
	const engine = await requireEngine(context, signal);
	const tooLate = performance.now() + patienceMs;
	let wellSince: number | undefined;
	for (;;) {
		const containers = await inspectStack(project, engine, signal);
		const sick = containers.filter((container) => !isWell(container));
		if (performance.now() > tooLate || sick.some(hasFailed)) throw notHealthy(project, sick);
		wellSince = sick.length > 0 || containers.length === 0 ? undefined : (wellSince ?? performance.now());
		if (wellSince !== undefined && performance.now() - wellSince >= dwellMs) return;
		await sleep(250, undefined, { signal });
	}
}

async function inspectStack(
	project: string,
	engine: Engine,
	signal: AbortSignal,
): Promise<EngineContainerDetails[]> {
	const stack = findStacks(await engine.containers(signal)).find((found) => found.project === project);
	const found: EngineContainerDetails[] = [];
	for (const { id } of stack?.containers ?? []) {
		const container = await engine.container(id, signal);
		if (container !== undefined) found.push(container);
	}
	return found;
}

/** One that was made to do something once and did it is well too. */
function isWell({ state, health, exitCode }: EngineContainerDetails): boolean {
	if (state === "exited") return exitCode === 0;
	return state === "running" && (health === undefined || health === "healthy");
}

function hasFailed({ state, health, exitCode }: EngineContainerDetails): boolean {
	return health === "unhealthy" || state === "dead" || (state === "exited" && exitCode !== 0);
}

function notHealthy(project: string, sick: readonly EngineContainerDetails[]): OperationError {
	const words = sick.map(
		({ name, state, health }) => `${name} is ${state === "running" ? (health ?? state) : state}`,
	);
	const [first] = sick;
	return new OperationError(
		"stack-not-healthy",
		`stack ${project} did not become healthy: ${words.join(", ") || "it has no container"}`,
		first === undefined ? {} : { hint: `docker logs ${first.name}` },
	);
}
