import { Consistency, type ResourceId } from "@davit/protocol";
import { type AgentConfig, configuredConsistency } from "../config.ts";

/** On a volume: `stopped`, `paused` or `live`. */
const consistencyLabel = "davit.consistency";

/** What is done with the writers of a resource unless a command says otherwise. A label that says nothing known is passed over. */
export function policyOf(
	resource: ResourceId,
	labels: Readonly<Record<string, string>>,
	config: AgentConfig,
): Consistency {
	const labelled = Consistency.safeParse(labels[consistencyLabel]);
	if (labelled.success) return labelled.data;
	return configuredConsistency(config, resource) ?? "paused";
}
