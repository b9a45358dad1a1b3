import { OperationError } from "@davit/protocol";
import { connectEngine, type Engine } from "./engine.ts";

/**
 * The engine that was found when the operation began, or else whoever answers now.
 * @throws OperationError docker-unreachable
 */
export async function requireEngine(
	{
		engine,
		config,
	}: { readonly engine: Engine | undefined; readonly config: { readonly dockerSocket: string | null } },
	signal: AbortSignal,
): Promise<Engine> {
	if (engine !== undefined) return engine;
	if (config.dockerSocket === null) {
		throw new OperationError("docker-unreachable", "this host's agent is set to work without Docker", {
			hint: "set dockerSocket in the agent's configuration, then start the agent again",
		});
	}
	return connectEngine(config.dockerSocket, signal);
}
