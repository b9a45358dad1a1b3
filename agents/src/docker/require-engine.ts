import { existsSync } from "node:fs";
import { OperationError } from "@davit/protocol";
import { connectEngine, type Engine } from "./engine.ts";

interface Configured {
	readonly engine: Engine | undefined;
	readonly config: { readonly dockerSocket: string | null };
}

/**
 * What is wrong where an engine belongs here and does not answer: its containers may run all the same, and nobody knows which. Undefined
 * where one answers, and where there is no socket of one.
 */
export function engineAway({ engine, config: { dockerSocket } }: Configured): string | undefined {
	if (engine !== undefined || dockerSocket === null || !existsSync(dockerSocket)) return undefined;
	return `the Docker engine at ${dockerSocket} does not answer, so it is not known which containers use it`;
}

/**
 * The engine that was found when the operation began, or else whoever answers now.
 * @throws OperationError docker-unreachable
 */
export async function requireEngine({ engine, config }: Configured, signal: AbortSignal): Promise<Engine> {
	if (engine !== undefined) return engine;
	if (config.dockerSocket === null) {
		throw new OperationError("docker-unreachable", "this host's agent is set to work without Docker", {
			hint: "set dockerSocket in the agent's configuration, then start the agent again",
		});
	}
	return connectEngine(config.dockerSocket, signal);
}
