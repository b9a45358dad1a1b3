import { type JsonObject, objectFrom } from "./read-json.ts";

export type EventListener = (event: JsonObject) => void;

/** One connection to Home Assistant's WebSocket API. */
export type Connection = {
	isOpen(): boolean;
	/** Sends a command and returns its result. @throws Error with Home Assistant's own words when it refuses. */
	command(type: string, fields?: JsonObject): Promise<unknown>;
	/** Like `command`, for those that go on sending events, such as `subscribe_events` or `subscribe_trigger`. */
	subscribe(type: string, fields: JsonObject, listener: EventListener): Promise<void>;
	close(): void;
};

type Pending = { readonly resolve: (result: unknown) => void; readonly reject: (error: Error) => void };

export async function openWebSocket(url: string, token: string, signal: AbortSignal): Promise<Connection> {
	const socket = new WebSocket(`${url.replace(/^http/, "ws")}/api/websocket`);
	const pending = new Map<number, Pending>();
	const listeners = new Map<number, EventListener>();
	const ready = Promise.withResolvers<void>();
	const fail = (error: Error): void => {
		ready.reject(error);
		for (const { reject } of pending.values()) reject(error);
		pending.clear();
	};
	socket.addEventListener("message", ({ data }) => {
		const message = objectFrom(JSON.parse(String(data)), "message");
		if (message["type"] === "auth_required")
			socket.send(JSON.stringify({ type: "auth", access_token: token }));
		else if (message["type"] === "auth_ok") ready.resolve();
		else if (message["type"] === "auth_invalid") fail(new Error("Home Assistant refused the token"));
		else if (message["type"] === "event")
			listeners.get(Number(message["id"]))?.(objectFrom(message["event"], "event"));
		else settle(message, pending);
	});
	socket.addEventListener("close", () => fail(new Error("Home Assistant closed the WebSocket")));
	socket.addEventListener("error", () => fail(new Error(`no WebSocket to ${url}`)));
	signal.addEventListener("abort", () => socket.close(), { once: true });
	await ready.promise;
	let lastId = 0;
	const send = (type: string, fields: JsonObject, listener?: EventListener): Promise<unknown> => {
		const id = ++lastId;
		if (socket.readyState !== WebSocket.OPEN) throw new Error(`cannot send ${type}: the WebSocket is closed`);
		if (listener !== undefined) listeners.set(id, listener);
		const { promise, resolve, reject } = Promise.withResolvers<unknown>();
		pending.set(id, { resolve, reject: (cause) => reject(new Error(`Home Assistant, ${type}`, { cause })) });
		socket.send(JSON.stringify({ ...fields, id, type }));
		return promise;
	};
	return {
		isOpen: () => socket.readyState === WebSocket.OPEN,
		command: (type, fields = {}) => send(type, fields),
		subscribe: async (type, fields, listener) => void (await send(type, fields, listener)),
		close: () => socket.close(),
	};
}

function settle(message: JsonObject, pending: Map<number, Pending>): void {
	const id = Number(message["id"]);
	const waiting = pending.get(id);
	pending.delete(id);
	if (message["success"] === true) waiting?.resolve(message["result"]);
	else waiting?.reject(new Error(JSON.stringify(message["error"])));
}
