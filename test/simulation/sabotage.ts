import type { Handlers } from "@davit/agents/operation.ts";
import type { Message } from "@davit/protocol/mqtt";
import type { SimulatedAgent } from "./simulated-agent.ts";
import type { SimulatedCoordinator } from "./simulated-coordinator.ts";

/** A program that is broken on purpose, from outside: each piece stands in for a check that the program no longer makes. */
export interface Sabotage {
	/** What reaches an agent's core in the place of a message. */
	readonly beforeAgent?: (agent: SimulatedAgent, message: Message) => readonly Message[];
	/** What reaches the coordinator's core in the place of a message. */
	readonly beforeCoordinator?: (message: Message) => readonly Message[];
	readonly handlers?: (handlers: Handlers) => Handlers;
	/** Called every second of simulated time. */
	readonly meddle?: (agents: readonly SimulatedAgent[], coordinator: SimulatedCoordinator) => void;
}
