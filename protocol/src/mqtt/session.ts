import type { Logger } from "../log.ts";

/** A message as it came, before anything was believed of it. */
export interface Message {
	readonly topic: string;
	readonly payload: Uint8Array;
	readonly retain: boolean;
}

export interface Will {
	readonly topic: string;
	readonly payload: string;
}

export interface SessionOptions {
	/** `mqtt://`, `mqtts://`, `ws://` or `wss://`. */
	readonly url: string;
	readonly username?: string;
	readonly password?: string;
	readonly clientId: string;
	/** Published retained, QoS 1, by the broker when this session dies. */
	readonly will?: Will;
	/** PEM of the authority to trust beside the system's own. */
	readonly certificateAuthority?: string;
	readonly log: Logger;
}

export interface PublishOptions {
	readonly retain?: boolean;
	/** MQTT 5 only; older brokers keep it until it is cleared. */
	readonly expirySeconds?: number;
}

/**
 * The one MQTT session of a program: clean, QoS 1, with full-jitter backoff. Publishing while it is down throws away nothing
 * by itself: callers keep what must not be lost in their own database and send it again on `onBirth`.
 */
export interface Session {
	/** The protocol that serves: 5, or 4 for 3.1.1. */
	readonly protocol: 4 | 5;
	readonly isConnected: boolean;
	/** Resolves when the broker acknowledged it; rejects with `broker-unreachable` when the session is down. */
	publish(topic: string, payload: string, options?: PublishOptions): Promise<void>;
	/** The broker gets its acknowledgement only after `handle` returned or resolved; a throw is logged and ends the connection. */
	subscribe(filter: string, handle: (message: Message) => void | Promise<void>): void;
	/** Called after each connect, once all subscriptions stand. */
	onBirth(callback: () => void | Promise<void>): void;
	/** Publishes nothing by itself: say goodbye first, because a clean end suppresses the will. */
	close(): Promise<void>;
	[Symbol.asyncDispose](): Promise<void>;
}
