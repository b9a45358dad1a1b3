import { OperationError } from "../failures.ts";
import type { Logger } from "../log.ts";
import { BrokerSession } from "./broker-session.ts";

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
	readonly username?: string | undefined;
	readonly password?: string | undefined;
	readonly clientId: string;
	/** Published retained, QoS 1, by the broker when this session dies. Read anew for each connection. */
	readonly will?: Will;
	/** PEM of the authority to trust beside the system's own. */
	readonly certificateAuthority?: string | undefined;
	readonly log: Logger;
	/**
	 * Messages that came together are handed on inside one call of this, and acknowledged after it returned; handlers may not
	 * wait then. After a throw they are handed on again, one by one outside of it.
	 */
	readonly together?: ((handleAll: () => void) => void) | undefined;
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
	/** The protocol that serves: 5, or 4 for 3.1.1; that of the last connection while there is none, and 5 before the first. */
	readonly protocol: 4 | 5;
	readonly isConnected: boolean;
	/**
	 * Resolves when the broker acknowledged it. Rejects with `broker-unreachable` when the session is down, `command-too-large`
	 * over 64 KiB, `broker-refused` when the broker says that this account may not (3.1.1 brokers do not say it).
	 */
	publish(topic: string, payload: string, options?: PublishOptions): Promise<void>;
	/**
	 * Messages come one at a time, in their order, over all filters; each goes to every handler whose filter matches. The broker
	 * gets its acknowledgement only after `handle` returned or resolved. A throw is logged and ends the connection, so what is
	 * merely malformed must be caught by the handler. A handler may publish, but must not wait for another message.
	 */
	subscribe(filter: string, handle: (message: Message) => void | Promise<void>): void;
	/**
	 * Called after each connect, once all subscriptions stand, and soon after this call where it stands already; one callback
	 * after the other. A throw is logged and ends the connection: the next birth tries again.
	 */
	onBirth(callback: () => void | Promise<void>): void;
	/** Called after each end of a connection, before the next one begins: what was read of the broker is no longer known. */
	onLoss(callback: () => void): void;
	/** Publishes nothing by itself: say goodbye first, because a clean end suppresses the will. */
	close(): Promise<void>;
	[Symbol.asyncDispose](): Promise<void>;
}

/**
 * Opens a session and waits for the outcome of the first attempt only: a broker that cannot be reached is logged and tried
 * again in the background, so a program comes up before its broker does; a broker that answers and refuses the user or
 * password at this first attempt is a mistake of configuration, and thrown. Refused later, it is logged once and tried again
 * every 30 to 60 s. MQTT 5 is tried first at each connect, then 3.1.1. `signal` ends the opening, not the open session.
 * @throws OperationError configuration-invalid | broker-refused | cancelled
 */
export async function openSession(options: SessionOptions, signal: AbortSignal): Promise<Session> {
	checkUrl(options.url);
	const session = new BrokerSession(options);
	await session.open(signal);
	return session;
}

function checkUrl(url: string): void {
	const protocol = URL.canParse(url) ? new URL(url).protocol : "";
	if (["mqtt:", "mqtts:", "ws:", "wss:"].includes(protocol)) return;
	throw new OperationError("configuration-invalid", `the broker's address ${url} cannot be used`, {
		hint: "write it as mqtt://host:1883, mqtts://host:8883, ws:// or wss://",
	});
}
