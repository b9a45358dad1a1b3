import { OperationError, type ResourceId } from "@davit/protocol";
import type { AgentConfig } from "../config.ts";

type Configured = NonNullable<AgentConfig["hooks"][ResourceId]>;
export type BeforeHook = Configured["before"][number];
export type Hook = Configured["after"][number];

/** The hooks of one backup, in the order in which they run. */
export type ChosenHooks = { readonly before: readonly BeforeHook[]; readonly after: readonly Hook[] };

/**
 * All hooks that the configuration has for a resource, or of these the ones that were asked for by name. A request can name
 * nothing else.
 * @throws OperationError hook-not-allowed
 */
export function chooseHooks(
	resource: ResourceId,
	names: readonly string[] | undefined,
	{ hooks }: AgentConfig,
): ChosenHooks {
	const { before, after } = hooks[resource] ?? { before: [], after: [] };
	if (names === undefined) return { before, after };
	const known = new Set([...before, ...after].map(({ name }) => name));
	const unknown = names.find((name) => !known.has(name));
	if (unknown !== undefined) {
		throw new OperationError("hook-not-allowed", `${resource} has no hook called ${unknown}`, {
			hint:
				known.size === 0
					? "write it into hooks of the agent's configuration first"
					: `its hooks are ${[...known].sort().join(", ")}`,
		});
	}
	const isWanted = ({ name }: { readonly name: string }) => names.includes(name);
	return { before: before.filter(isWanted), after: after.filter(isWanted) };
}
