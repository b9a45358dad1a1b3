import { pollUntil } from "../process/poll.ts";
import { type CallHttp, expectOk } from "./call-http.ts";
import { type Connection, type EventListener, openWebSocket } from "./open-web-socket.ts";
import { type JsonObject, objectFrom, objectsFrom, textAt } from "./read-json.ts";

export type State = {
	readonly entityId: string;
	readonly state: string;
	readonly attributes: JsonObject;
	/** ISO 8601, when `state` changed last. */
	readonly changedAt: string;
};

/** What a person, an automation or a script of Home Assistant could do and see. */
export type Driver = {
	states(): Promise<State[]>;
	/** Undefined where there is no such entity. */
	state(entityId: string): Promise<State | undefined>;
	/** The entity's state once `predicate` holds for it. @throws Error with the last state seen, when it does not within `timeoutMs` (15 s when absent). */
	waitForState(entityId: string, predicate: (state: State) => boolean, timeoutMs?: number): Promise<State>;
	/** For instance `callService("button", "press", { entity_id })`. */
	callService(domain: string, service: string, body: JsonObject): Promise<void>;
	registryEntities(): Promise<JsonObject[]>;
	registryDevices(): Promise<JsonObject[]>;
	/** The triggers an automation may use on that device. */
	deviceTriggers(deviceId: string): Promise<JsonObject[]>;
	/** Open repairs, such as deprecations. */
	repairs(): Promise<JsonObject[]>;
	/** Adds (or replaces) an automation and waits until it is on. Its entity. A device trigger subscribes to its topic up to a second later. */
	addAutomation(id: string, automation: JsonObject): Promise<string>;
	removeAutomation(id: string): Promise<void>;
	/** Calls `listener` for every event of the type, such as `state_changed`, until Home Assistant ends. */
	subscribeEvents(eventType: string, listener: EventListener): Promise<void>;
	/** Any command of the WebSocket API. */
	command(type: string, fields?: JsonObject): Promise<unknown>;
	/** Any call of the REST API. */
	readonly http: CallHttp;
	/** Closes the WebSocket; the next command opens another. */
	disconnect(): void;
};

export type DriverContext = {
	readonly url: string;
	readonly token: string;
	readonly http: CallHttp;
	readonly signal: AbortSignal;
};

export function openDriver({ url, token, http, signal }: DriverContext): Driver {
	let current: Connection | undefined;
	const connection = async (): Promise<Connection> => {
		if (current?.isOpen() !== true) current = await openWebSocket(url, token, signal);
		return current;
	};
	const command = async (type: string, fields?: JsonObject) => (await connection()).command(type, fields);
	const list = async (type: string, fields?: JsonObject) => objectsFrom(await command(type, fields), type);
	const state = (entityId: string) => readState(http, entityId);
	return {
		...{ http, command, state },
		states: async () =>
			objectsFrom(await expectOk(http("GET", "/api/states"), "states"), "states").map(stateFrom),
		waitForState: (entityId, predicate, timeoutMs = 15_000) =>
			waitForState({ http, signal, entityId, predicate, timeoutMs }),
		callService: async (domain, service, body) => {
			await expectOk(http("POST", `/api/services/${domain}/${service}`, body), `${domain}.${service}`);
		},
		registryEntities: () => list("config/entity_registry/list"),
		registryDevices: () => list("config/device_registry/list"),
		deviceTriggers: (deviceId) => list("device_automation/trigger/list", { device_id: deviceId }),
		repairs: async () => {
			const answer = objectFrom(await command("repairs/list_issues"), "repairs");
			return objectsFrom(answer["issues"], "issues");
		},
		addAutomation: (id, automation) => addAutomation({ http, signal }, id, automation),
		removeAutomation: async (id) => {
			await expectOk(http("DELETE", `/api/config/automation/config/${id}`), `removal of automation ${id}`);
		},
		subscribeEvents: async (eventType, listener) =>
			(await connection()).subscribe("subscribe_events", { event_type: eventType }, listener),
		disconnect: () => {
			current?.close();
			current = undefined;
		},
	};
}

function stateFrom(answer: JsonObject): State {
	return {
		entityId: textAt(answer, "entity_id"),
		state: textAt(answer, "state"),
		attributes: objectFrom(answer["attributes"], "attributes"),
		changedAt: textAt(answer, "last_changed"),
	};
}

async function readState(http: CallHttp, entityId: string): Promise<State | undefined> {
	const answer = await http("GET", `/api/states/${entityId}`);
	if (answer.status === 404) return undefined;
	return stateFrom(objectFrom(await expectOk(Promise.resolve(answer), entityId), entityId));
}

type StateWait = {
	readonly http: CallHttp;
	readonly signal: AbortSignal;
	readonly entityId: string;
	readonly predicate: (state: State) => boolean;
	readonly timeoutMs: number;
};

async function waitForState({ http, signal, entityId, predicate, timeoutMs }: StateWait): Promise<State> {
	let last: State | undefined;
	const probe = async (): Promise<State | undefined> => {
		last = await readState(http, entityId);
		return last !== undefined && predicate(last) ? last : undefined;
	};
	const explain = () => `last seen: ${JSON.stringify(last ?? "no such entity")}`;
	return pollUntil(probe, { what: `expected state of ${entityId}`, timeoutMs, signal, explain });
}

type AutomationContext = { readonly http: CallHttp; readonly signal: AbortSignal };

async function addAutomation(
	{ http, signal }: AutomationContext,
	id: string,
	automation: JsonObject,
): Promise<string> {
	const body = { alias: id, ...automation };
	await expectOk(http("POST", `/api/config/automation/config/${id}`, body), `automation ${id}`);
	const find = async (): Promise<string | undefined> => {
		const states = objectsFrom(await expectOk(http("GET", "/api/states"), "states"), "states").map(stateFrom);
		const its = states.find(
			(state) => state.entityId.startsWith("automation.") && state.attributes["id"] === id,
		);
		return its?.state === "on" ? its.entityId : undefined;
	};
	return pollUntil(find, { what: `automation ${id} to be on`, timeoutMs: 10_000, signal });
}
