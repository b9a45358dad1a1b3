import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
	discoveryFilter,
	homeAssistantStatus,
	instantOf,
	type Logger,
	newId,
	type Presence,
	Run,
	topicsOf,
} from "@davit/protocol";
import { type Message, openSession, type Session } from "@davit/protocol/mqtt";
import type { IntegrationConfig } from "./config.ts";
import { EventDesk } from "./event-desk.ts";
import { siteNode } from "./identity.ts";
import { Memory } from "./memory.ts";
import { parseJson } from "./parse-json.ts";
import { Publisher } from "./publisher.ts";
import { Reconciler } from "./reconciler.ts";
import { SiteSight } from "./site-sight.ts";

export interface IntegrationOptions {
	readonly log: Logger;
	readonly version: string;
	readonly now?: () => number;
}

export interface Integration extends AsyncDisposable {
	readonly session: Session;
}

/**
 * Shows one site in Home Assistant until it is disposed. Connects in the background; what it knows of Home Assistant and of
 * events that were not had survives in `home`.
 * @throws OperationError database-damaged
 */
export async function openIntegration(
	config: IntegrationConfig,
	{ log, version, now = Date.now }: IntegrationOptions,
	signal: AbortSignal,
): Promise<Integration> {
	const topics = topicsOf(config.site);
	const life = new AbortController();
	const presence = (state: Presence["state"]): string =>
		JSON.stringify({
			version: 1,
			state,
			session: sessionId,
			at: instantOf(now()),
			epoch: 0,
		} satisfies Presence);
	const sessionId = newId();
	const { certificateAuthorityFile, ...broker } = config.broker;
	const session = await openSession(
		{
			...broker,
			...(certificateAuthorityFile === undefined
				? {}
				: { certificateAuthority: readFileSync(certificateAuthorityFile, "utf8") }),
			clientId: `davit-integration-${config.site}`,
			will: { topic: topics.integrationPresence(), payload: presence("offline") },
			log,
		},
		signal,
	);
	const send = (topic: string, payload: string, retain: boolean) =>
		session.publish(topic, payload, { retain });
	const memory = new Memory(join(config.home, "memory.json"));
	const sight = new SiteSight(config.site, log);
	const publisher = new Publisher({ memory, send, log });
	const events = new EventDesk({ site: config.site, memory, send, now, log });
	const view = new Reconciler({ config, version, sight, publisher, log, life: life.signal });

	const see = (message: Message) => {
		if (sight.receive(message.topic, textOf(message))) view.changed();
		else view.heard();
	};
	session.subscribe(topics.all.presences, see);
	session.subscribe(topics.all.descriptions, see);
	session.subscribe(topics.all.inventories, see);
	session.subscribe(topics.all.resourceStates, see);
	session.subscribe(discoveryFilter(siteNode(config.site)), (message) => {
		publisher.receive(message.topic, textOf(message), message.retain);
		view.heard();
	});
	session.subscribe(topics.all.runs, (message) => {
		const run = Run.safeParse(parseJson(textOf(message)));
		if (run.success) events.takeRun(run.data, { isRetained: message.retain });
	});
	session.subscribe(homeAssistantStatus, (message) => events.hearHomeAssistant(textOf(message)));
	session.onLoss(() => publisher.forget());
	session.onBirth(async () => {
		view.changed();
		await send(topics.integrationPresence(), presence("online"), true);
		events.deliver();
	});
	return {
		session,
		async [Symbol.asyncDispose]() {
			life.abort();
			await view.stopped();
			await events.settled();
			if (session.isConnected) await send(topics.integrationPresence(), presence("offline"), true);
			await session.close();
		},
	};
}

function textOf(message: Message): string {
	return new TextDecoder().decode(message.payload);
}
