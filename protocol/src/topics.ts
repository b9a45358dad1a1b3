import type { ResourceId } from "./resource.ts";
import { resourceKey } from "./resource.ts";
import {
	type HostName,
	HostName as hostName,
	type PrincipalName,
	PrincipalName as principalName,
	type RunId,
	type SiteName,
} from "./vocabulary.ts";

const root = "davit/v1";

/** Every topic of one site. No other file spells a topic. */
export function topicsOf(site: SiteName) {
	const base = `${root}/${site}`;
	const agent = (host: HostName) => `${base}/agents/${host}`;
	const ofResource = (host: HostName, resource: ResourceId) =>
		`${agent(host)}/resources/${resourceKey(resource)}`;
	return {
		/** coordinator → agent, QoS 1, never retained, signed */
		command: (host: HostName) => `${agent(host)}/command`,
		/** agent → coordinator, QoS 1, never retained */
		report: (host: HostName) => `${agent(host)}/report`,
		/** agent → coordinator at birth */
		sync: (host: HostName) => `${agent(host)}/sync`,
		/** agent and its will, retained */
		presence: (host: HostName) => `${agent(host)}/presence`,
		/** agent, retained */
		description: (host: HostName) => `${agent(host)}/description`,
		/** agent, retained */
		inventory: (host: HostName) => `${agent(host)}/inventory`,
		/** agent, retained; Home Assistant reads it */
		resourceState: (host: HostName, resource: ResourceId) => `${ofResource(host, resource)}/state`,
		/** agent, retained */
		resourceArchives: (host: HostName, resource: ResourceId) => `${ofResource(host, resource)}/archives`,
		/** coordinator and its will, retained */
		coordinatorPresence: () => `${base}/coordinator/presence`,
		/** coordinator, retained; Home Assistant reads it */
		resourceStatus: (host: HostName, resource: ResourceId) =>
			`${base}/coordinator/status/${host}/${resourceKey(resource)}`,
		/** a principal → coordinator, QoS 1, never retained */
		request: (principal: PrincipalName) => `${base}/requests/${principal}`,
		/** coordinator → a principal, QoS 1, never retained */
		response: (principal: PrincipalName) => `${base}/responses/${principal}`,
		/** coordinator, retained until it expires */
		run: (run: RunId) => `${base}/runs/${run}`,
		/** ha-integration and its will, retained */
		integrationPresence: () => `${base}/home-assistant/presence`,
		/** ha-integration → Home Assistant, never retained: what ended, once */
		event: (host: HostName, resource: ResourceId) =>
			`${base}/home-assistant/events/${host}/${resourceKey(resource)}`,
		/** ha-integration → Home Assistant, never retained: the bare event type, for device triggers */
		trigger: (host: HostName, resource: ResourceId) =>
			`${base}/home-assistant/triggers/${host}/${resourceKey(resource)}`,
		/** Filters: what each side listens to. */
		all: {
			reports: `${base}/agents/+/report`,
			syncs: `${base}/agents/+/sync`,
			presences: `${base}/agents/+/presence`,
			descriptions: `${base}/agents/+/description`,
			inventories: `${base}/agents/+/inventory`,
			resourceStates: `${base}/agents/+/resources/+/state`,
			resourceArchives: `${base}/agents/+/resources/+/archives`,
			resourceStatuses: `${base}/coordinator/status/+/+`,
			requests: `${base}/requests/+`,
			runs: `${base}/runs/+`,
			commands: `${base}/agents/+/command`,
			responses: `${base}/responses/+`,
			events: `${base}/home-assistant/events/+/+`,
			triggers: `${base}/home-assistant/triggers/+/+`,
			ofAgents: `${base}/agents/#`,
			ofCoordinator: `${base}/coordinator/#`,
			ofIntegration: `${base}/home-assistant/#`,
			/** What one host says of its resources. */
			ofResources: (host: HostName) => `${agent(host)}/resources/+/+`,
			everything: `${base}/#`,
		},
	};
}

export type Topics = ReturnType<typeof topicsOf>;

/** The host in an agent's topic, or undefined where its level is no host's name. */
export function hostInTopic(topic: string): HostName | undefined {
	const levels = topic.split("/");
	return levels[3] === "agents" ? hostName.safeParse(levels[4]).data : undefined;
}

/** The principal in a request's topic, or undefined where its level is no principal's name. */
export function principalInTopic(topic: string): PrincipalName | undefined {
	const levels = topic.split("/");
	return levels[3] === "requests" ? principalName.safeParse(levels[4]).data : undefined;
}

/** Home Assistant's own birth and last will, with its default prefix. */
export const homeAssistantStatus = "homeassistant/status";

/** Everything of Home Assistant's own: its status and what is discovered. */
export const homeAssistantEverything = "homeassistant/#";

/** The discovery of whole devices, whoever publishes them. */
export const discoveryEverything = "homeassistant/device/#";

/** Whether a filter can only match what is neither Davit's, nor Home Assistant's, nor the broker's own. */
export function isForeignFilter(filter: string): boolean {
	const [first = ""] = filter.split("/");
	return first !== "" && !/^(?:davit|homeassistant|[+#]|\$.*)$/.test(first);
}

/** Home Assistant's discovery topic of one device; `node` groups what one publisher owns. */
export function discoveryTopic(node: string, object: string): string {
	return `homeassistant/device/${node}/${object}/config`;
}

/** Everything under one node, to read back what was published before. */
export function discoveryFilter(node: string): string {
	return `homeassistant/device/${node}/+/config`;
}
