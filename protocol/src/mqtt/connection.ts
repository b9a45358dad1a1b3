import { createRequire } from "node:module";
import { createConnection, Socket } from "node:net";
import { connect, type IClientOptions, type IPublishPacket, MqttClient } from "mqtt";
import { connectFailure, disconnectFailure, failureOf } from "./connection-failure.ts";
import type { Message, PublishOptions, SessionOptions } from "./session.ts";

// Before its first packet mqtt-packet prepares a buffer for each of 65,536 numbers: 8 MB that spare an allocation of two bytes
// now and then. It is asked of the copy that mqtt.js loads; its README names this switch.
const ofMqtt = createRequire(import.meta.resolve("mqtt"));
// What mqtt-packet exports.
const { writeToStream } = ofMqtt("mqtt-packet") as { writeToStream: { cacheNumbers: boolean } };
writeToStream.cacheNumbers = false;

export type ProtocolVersion = 4 | 5;

/** One network connection, from its CONNACK to its end. It is never revived: the next one is another object. */
export interface Connection {
	readonly protocol: ProtocolVersion;
	/** Resolves once it is gone, with the reason where one is known. */
	readonly ended: Promise<Error | undefined>;
	publish(topic: string, payload: string, options: PublishOptions): Promise<void>;
	/** @throws OperationError broker-refused | broker-unreachable */
	subscribe(filters: readonly string[]): Promise<void>;
	/** Breaks it off without a goodbye: the broker publishes the will and keeps what was not acknowledged unacknowledged. */
	drop(reason: Error): void;
	/** Says goodbye, so that the will is not published. */
	end(): Promise<void>;
}

export interface Attempt {
	readonly options: SessionOptions;
	readonly protocol: ProtocolVersion;
	/** The broker gets its acknowledgement when this resolves; when it rejects, the connection is dropped. */
	readonly receive: (message: Message) => Promise<void>;
	readonly signal: AbortSignal;
}

// Silence of one and a half keepalives is what the broker calls dead: an agent whose power failed is seen in 22 s.
const keepaliveSeconds = 15;
const connectTimeoutMs = 10_000;
const goodbyeMs = 2_000;

/** @throws VersionRefused, OperationError broker-refused | broker-unreachable | cancelled */
export async function openConnection(attempt: Attempt): Promise<Connection> {
	const { signal } = attempt;
	if (signal.aborted) throw connectFailure(undefined, attempt);
	const client = openClient(clientOptions(attempt));
	const ending = new Ending(client);
	acknowledgeAfter(client, ending, attempt.receive);
	const onAbort = () => client.end(true);
	signal.addEventListener("abort", onAbort, { once: true });
	try {
		await connected(client, ending, attempt);
	} finally {
		signal.removeEventListener("abort", onAbort);
	}
	// An acknowledgement that waits for more to send costs its partner up to 40 ms.
	if (client.stream instanceof Socket) client.stream.setNoDelay(true);
	return describeConnection(client, ending, attempt.protocol);
}

/** `connect` loads TLS, WebSockets and all they need, 8 MB of it, whether they are used or not. */
function openClient(options: IClientOptions): MqttClient {
	const { protocol, hostname = "localhost", port = 1883 } = options;
	if (protocol !== "mqtt") return connect(options);
	return new MqttClient(() => createConnection({ host: hostname, port, noDelay: true }), options);
}

function clientOptions({ options, protocol }: Attempt): IClientOptions {
	const url = new URL(options.url);
	const authority = options.certificateAuthority;
	return {
		// `url` was checked by the session; mqtt.js knows these four.
		protocol: url.protocol.slice(0, -1) as "mqtt" | "mqtts" | "ws" | "wss",
		hostname: url.hostname.replace(/^\[|\]$/g, ""),
		...(url.port === "" ? {} : { port: Number(url.port) }),
		...(url.protocol.startsWith("ws") ? { path: url.pathname + url.search } : {}),
		clientId: options.clientId,
		...(options.username === undefined ? {} : { username: options.username }),
		...(options.password === undefined ? {} : { password: options.password }),
		...(options.will === undefined
			? {}
			: { will: { ...options.will, payload: Buffer.from(options.will.payload), qos: 1, retain: true } }),
		...(authority === undefined
			? {}
			: { ca: [...process.getBuiltinModule("node:tls").getCACertificates("default"), authority] }),
		protocolVersion: protocol,
		clean: true,
		keepalive: keepaliveSeconds,
		connectTimeout: connectTimeoutMs,
		// mqtt.js would come back after the same second every time, with what it kept in memory: the session does both itself.
		reconnectPeriod: 0,
		resubscribe: false,
		queueQoSZero: false,
	};
}

/** What ends a connection, and what was under way when it did: mqtt.js never answers for that. */
class Ending {
	readonly ended: Promise<Error | undefined>;
	#reason: Error | undefined;
	#isOver = false;
	readonly #underWay = new Set<(reason: Error) => void>();

	constructor(client: MqttClient) {
		client.on("error", (error) => this.blame(error));
		client.on("disconnect", ({ reasonCode = 0 }) => this.blame(disconnectFailure(reasonCode)));
		this.ended = new Promise((resolve) => {
			client.on("close", () => {
				this.#isOver = true;
				for (const reject of this.#underWay) reject(this.#gone());
				resolve(this.#reason);
			});
		});
	}

	get reason(): Error | undefined {
		return this.#reason;
	}

	/** The first to be blamed is the cause; what follows are consequences. */
	blame(reason: Error): void {
		this.#reason ??= reason;
	}

	async orEnd(work: () => Promise<unknown>): Promise<void> {
		if (this.#isOver) throw this.#gone();
		const { promise, reject } = Promise.withResolvers<never>();
		this.#underWay.add(reject);
		try {
			await Promise.race([work(), promise]);
		} finally {
			this.#underWay.delete(reject);
		}
	}

	#gone(): Error {
		return new Error("the connection to the broker ended", { cause: this.#reason });
	}
}

/**
 * mqtt.js reads nothing more, not even acknowledgements, until `handleMessage` calls back: a handler that publishes would wait
 * for itself. So it is told at once not to acknowledge, and the PUBACK (MQTT 5, 3.4; the same four bytes in 3.1.1) is written
 * here after the handler.
 */
function acknowledgeAfter(client: MqttClient, ending: Ending, receive: Attempt["receive"]): void {
	const later = new Error("acknowledged after the handler");
	client.handleMessage = (packet: IPublishPacket, callback) => {
		const payload = typeof packet.payload === "string" ? Buffer.from(packet.payload) : packet.payload;
		const { topic, retain, messageId, qos } = packet;
		callback(qos > 0 ? later : undefined);
		receive({ topic, payload, retain }).then(
			() => {
				if (qos === 0 || messageId === undefined || !client.connected) return;
				client.stream.write(Buffer.from([0x40, 0x02, messageId >> 8, messageId & 0xff]));
			},
			(error: unknown) => {
				ending.blame(error instanceof Error ? error : new Error(String(error)));
				client.end(true);
			},
		);
	};
}

function connected(client: MqttClient, ending: Ending, attempt: Attempt): Promise<void> {
	return new Promise((resolve, reject) => {
		client.once("connect", () => resolve());
		client.once("close", () => reject(connectFailure(ending.reason, attempt)));
	});
}

function describeConnection(client: MqttClient, ending: Ending, protocol: ProtocolVersion): Connection {
	return {
		protocol,
		ended: ending.ended,
		publish: async (topic, payload, options) => {
			const publish = () => client.publishAsync(topic, payload, publishOptions(protocol, options));
			await ending.orEnd(publish).catch(failureOf(`publishing to ${topic}`));
		},
		subscribe: async (filters) => {
			const subscribe = () => client.subscribeAsync([...filters], { qos: 1 });
			await ending.orEnd(subscribe).catch(failureOf(`subscribing to ${filters.join(", ")}`));
		},
		drop: (reason) => {
			ending.blame(reason);
			client.end(true);
		},
		end: async () => {
			client.end();
			// A broker that does not answer any more must not keep the program from ending.
			const timer = setTimeout(() => client.stream.destroy(), goodbyeMs);
			await ending.ended;
			clearTimeout(timer);
		},
	};
}

function publishOptions(protocol: ProtocolVersion, { retain = false, expirySeconds }: PublishOptions) {
	const expires = protocol === 5 && expirySeconds !== undefined;
	return {
		qos: 1 as const,
		retain,
		...(expires ? { properties: { messageExpiryInterval: Math.ceil(expirySeconds) } } : {}),
	};
}
