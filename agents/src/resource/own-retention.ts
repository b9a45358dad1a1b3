import { parsePolicy, type ResourceId, type RetentionPolicy } from "@davit/protocol";
import { type AgentConfig, configuredPolicy } from "../config.ts";

/** On a volume: `last=3,daily=7,within=30d`. */
const keepLabel = "davit.keep";

/** What a resource's own label or configuration says stays; it wins over every schedule. A label that cannot be read is passed over. */
export function ownRetention(
	resource: ResourceId,
	labels: Readonly<Record<string, string>>,
	config: AgentConfig,
): { readonly keep?: RetentionPolicy } {
	const keep = readLabel(labels[keepLabel]) ?? configuredPolicy(config, resource).keep;
	return keep === undefined ? {} : { keep };
}

function readLabel(label: string | undefined): RetentionPolicy | undefined {
	if (label === undefined) return undefined;
	try {
		return parsePolicy(label);
	} catch (error) {
		if (error instanceof RangeError) return undefined;
		throw error;
	}
}
