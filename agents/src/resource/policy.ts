import {
	AskedConsistency,
	type Consistency,
	consistencyPhrases,
	OperationError,
	Quiescence,
	type ResourceId,
} from "@davit/protocol";
import { type AgentConfig, configuredPolicy } from "../config.ts";

/** On a volume: `snapshot`, `stopped`, `paused` or `live`. */
const consistencyLabel = "davit.consistency";
/** On a volume: `stopped` or `paused`. */
const writersLabel = "davit.writers";

/** What is done with the writers of a resource unless a command says otherwise. */
export interface Policy {
	readonly consistency: AskedConsistency;
	/** For the moment of a snapshot, and for the whole copy where none can be made. */
	readonly writers: Quiescence;
}

type Labels = Readonly<Record<string, string>>;

/** Of the volume's labels, the configuration, or the default. A label that says nothing known is passed over. */
export function policyOf(resource: ResourceId, labels: Labels, config: AgentConfig): Policy {
	const configured = configuredPolicy(config, resource);
	const consistency = AskedConsistency.safeParse(labels[consistencyLabel]);
	const writers = Quiescence.safeParse(labels[writersLabel]);
	return {
		consistency: consistency.success ? consistency.data : (configured.consistency ?? "paused"),
		writers: writers.success ? writers.data : (configured.writers ?? "paused"),
	};
}

/**
 * The same with what a command asks for.
 * @throws OperationError unsupported where that is a database's own copy
 */
export function policyFor(asked: Consistency | undefined, policy: Policy): Policy {
	if (asked === "engine-native") {
		throw new OperationError(
			"unsupported",
			"consistency engine-native cannot be asked for: this Davit copies files, no database's own dump",
			{ hint: `ask for ${AskedConsistency.options.join(", ")}` },
		);
	}
	return asked === undefined ? policy : { ...policy, consistency: asked };
}

/** What the writers get for the whole copy where there is no snapshot. */
export function withoutSnapshot({ consistency, writers }: Policy): Exclude<AskedConsistency, "snapshot"> {
	return consistency === "snapshot" ? writers : consistency;
}

export function noteNoSnapshot(why: string, { writers }: Policy): string {
	return `no snapshot: ${why}; containers that write were ${consistencyPhrases[writers]} for the whole copy`;
}
