import {
	discoveryEverything,
	type HostName,
	homeAssistantEverything,
	homeAssistantStatus,
	isForeignFilter,
	PrincipalName,
	type SiteName,
	topicsOf,
} from "@davit/protocol";

/** Who an account is. An `observer` is a person's own account: it sees what Home Assistant sees and changes nothing. */
export type Role =
	| { readonly kind: "agent"; readonly host: HostName }
	| { readonly kind: "coordinator" | "integration" | "home-assistant" | "observer" };

/** What an account may do; filters, where everything that is not named is forbidden. */
export interface Rules {
	readonly read: readonly string[];
	readonly write: readonly string[];
	/** Among `write`: those where a retained message would be replayed to whoever comes later, and so is refused. */
	readonly neverRetained: readonly string[];
}

const homeAssistant = PrincipalName.parse("home-assistant");

/** The rules of a role; what the embedded broker asks and what `davit broker-config` writes. */
export function rulesOf(role: Role, site: SiteName): Rules {
	const topics = topicsOf(site);
	if (role.kind === "agent") return agentRules(role.host, topics);
	const { all } = topics;
	const shown = [
		all.presences,
		all.resourceStates,
		all.resourceArchives,
		topics.coordinatorPresence(),
		all.resourceStatuses,
		topics.integrationPresence(),
		all.events,
		all.triggers,
		all.runs,
		topics.response(homeAssistant),
	];
	switch (role.kind) {
		case "coordinator":
			return {
				read: [all.everything],
				write: [all.commands, all.ofCoordinator, all.responses, all.runs],
				neverRetained: [all.commands, all.responses],
			};
		case "integration":
			return {
				read: [
					...[all.ofAgents, all.ofCoordinator, all.runs, all.ofIntegration, topics.response(homeAssistant)],
					...[homeAssistantStatus, discoveryEverything],
				],
				write: [discoveryEverything, all.ofIntegration],
				neverRetained: [all.events, all.triggers],
			};
		case "home-assistant":
			return {
				read: [...shown, homeAssistantEverything],
				write: [topics.request(homeAssistant), homeAssistantEverything],
				neverRetained: [topics.request(homeAssistant)],
			};
		case "observer":
			return { read: [...shown, homeAssistantEverything], write: [], neverRetained: [] };
	}
}

function agentRules(host: HostName, topics: ReturnType<typeof topicsOf>): Rules {
	const spoken = [topics.report(host), topics.sync(host)];
	const kept = [topics.presence(host), topics.description(host), topics.inventory(host)];
	return {
		// Its own presence tells it that another agent answers to its name.
		read: [topics.command(host), topics.presence(host), topics.coordinatorPresence()],
		write: [...spoken, ...kept, topics.all.ofResources(host)],
		neverRetained: spoken,
	};
}

/** Whether everything that `filter` can match is matched by `rule`: a wildcard is only covered by a wildcard. */
export function covers(rule: string, filter: string): boolean {
	const allowed = rule.split("/");
	const wanted = filter.split("/");
	for (const [at, level] of allowed.entries()) {
		if (level === "#") return true;
		const other = wanted[at];
		if (other === undefined || other === "#") return false;
		if (level !== "+" && level !== other) return false;
	}
	return allowed.length === wanted.length;
}

export function mayRead(rules: Rules, filter: string): boolean {
	return rules.read.some((rule) => covers(rule, filter));
}

/** Home Assistant asks for the discovery topics of other makers too; on this broker nobody publishes there. */
export function maySubscribe(role: Role, rules: Rules, filter: string): boolean {
	return mayRead(rules, filter) || (role.kind === "home-assistant" && isForeignFilter(filter));
}

export function mayPublish(rules: Rules, message: { topic: string; retain: boolean }): boolean {
	if (!rules.write.some((rule) => covers(rule, message.topic))) return false;
	return !message.retain || !rules.neverRetained.some((rule) => covers(rule, message.topic));
}
