import { connect, type IClientOptions, type IPublishPacket, type MqttClient } from "mqtt";
import type { TestBroker } from "./kinds.ts";

export type ClientWish = Partial<IClientOptions> & {
	readonly username: string;
	readonly protocolVersion: 4 | 5;
};

/** A bare MQTT client that remembers what it got. */
export interface TestClient extends AsyncDisposable {
	readonly mqtt: MqttClient;
	readonly received: IPublishPacket[];
	/** The first message, received already or to come, that `matches`. */
	next(matches: (packet: IPublishPacket) => boolean): Promise<IPublishPacket>;
	/** Publishes with QoS 1; resolves with the error that the broker answered, if it did. */
	publish(topic: string, payload: string, options?: { retain?: boolean }): Promise<Error | undefined>;
	/** Breaks the connection without a goodbye. */
	drop(): Promise<void>;
}

const patienceMs = 10_000;

/** @throws Error of the CONNACK when it is refused */
export async function openClient(
	broker: Pick<TestBroker, "port" | "password">,
	wish: ClientWish,
): Promise<TestClient> {
	const mqtt = connect({
		protocol: "mqtt",
		hostname: "127.0.0.1",
		port: broker.port,
		password: broker.password(wish.username),
		clientId: `davit-${wish.username}`,
		reconnectPeriod: 0,
		clean: true,
		...wish,
	});
	const received: IPublishPacket[] = [];
	const waiting = new Set<() => void>();
	mqtt.on("message", (_topic, _payload, packet) => {
		received.push(packet);
		for (const wake of waiting) wake();
	});
	await new Promise<void>((resolve, reject) => {
		mqtt.once("connect", () => resolve());
		mqtt.once("error", reject);
		mqtt.once("close", () => reject(new Error("the broker hung up")));
	});
	const closed = new Promise<void>((resolve) => mqtt.once("close", () => resolve()));
	return {
		...{ mqtt, received },
		next: (matches) => awaitMessage({ received, waiting, matches }),
		publish: (topic, payload, options = {}) =>
			mqtt.publishAsync(topic, payload, { qos: 1, ...options }).then(
				() => undefined,
				(error: Error) => error,
			),
		drop: async () => {
			mqtt.stream.destroy();
			await closed;
		},
		[Symbol.asyncDispose]: async () => {
			if (mqtt.connected) await mqtt.endAsync();
		},
	};
}

export function text(packet: IPublishPacket): string {
	return packet.payload.toString();
}

function awaitMessage({
	received,
	waiting,
	matches,
}: {
	received: IPublishPacket[];
	waiting: Set<() => void>;
	matches: (packet: IPublishPacket) => boolean;
}): Promise<IPublishPacket> {
	return new Promise((resolve, reject) => {
		const look = () => {
			const found = received.find(matches);
			if (found === undefined) return;
			clearTimeout(timer);
			waiting.delete(look);
			resolve(found);
		};
		const timer = setTimeout(() => {
			waiting.delete(look);
			const topics = received.slice(-20).map(({ topic }) => topic);
			reject(new Error(`no such message in ${patienceMs} ms; the last were ${topics.join(", ")}`));
		}, patienceMs);
		waiting.add(look);
		look();
	});
}
