import { setTimeout as wait } from "node:timers/promises";
import { maximumMessageBytes } from "../command.ts";
import { OperationError } from "../failures.ts";
import { backoffMs, refusedBackoffMs, youngMs } from "./backoff.ts";
import { type Connection, openConnection, type ProtocolVersion } from "./connection.ts";
import { describeUrl, TakenOver, VersionRefused } from "./connection-failure.ts";
import { type Handler, Inbox } from "./inbox.ts";
import type { PublishOptions, Session, SessionOptions } from "./session.ts";

type Work = () => void | Promise<void>;

const takeoversAnsweredSoon = 2;

/** Keeps one connection after the other up until it is closed. */
export class BrokerSession implements Session {
	readonly #options: SessionOptions;
	readonly #broker: string;
	readonly #inbox: Inbox;
	readonly #births: Work[] = [];
	readonly #losses: (() => void)[] = [];
	readonly #ending = new AbortController();
	#connection: Connection | undefined;
	/** Subscriptions and births, one after the other. */
	#order: Promise<void> = Promise.resolve();
	#protocol: ProtocolVersion = 5;
	#failures = 0;
	/** How often in a row another program took this one's place while its connection was young. */
	#takeovers = 0;
	#reported: string | undefined;
	#running: Promise<void> = Promise.resolve();

	constructor(options: SessionOptions) {
		this.#options = options;
		this.#broker = describeUrl(options.url);
		this.#inbox = new Inbox(options);
	}

	get protocol(): ProtocolVersion {
		return this.#protocol;
	}

	get isConnected(): boolean {
		return this.#connection !== undefined;
	}

	/** @throws OperationError broker-refused | cancelled */
	async open(signal: AbortSignal): Promise<void> {
		const outcome = await this.#attempt(signal);
		if (outcome instanceof OperationError && outcome.code !== "broker-unreachable") throw outcome;
		this.#running = this.#keepUp(outcome);
	}

	async publish(topic: string, payload: string, options: PublishOptions = {}): Promise<void> {
		refuseOversize(topic, payload);
		if (this.#connection === undefined) {
			throw new OperationError(
				"broker-unreachable",
				`nothing was published to ${topic}: ${this.#broker} is not connected`,
			);
		}
		await this.#connection.publish(topic, payload, options);
	}

	subscribe(filter: string, handle: Handler): void {
		const isNew = this.#inbox.add(filter, handle);
		const connection = this.#connection;
		if (isNew && connection !== undefined) this.#afterwards(connection, () => connection.subscribe([filter]));
	}

	onBirth(callback: Work): void {
		this.#births.push(callback);
		if (this.#connection !== undefined) this.#afterwards(this.#connection, callback);
	}

	onLoss(callback: () => void): void {
		this.#losses.push(callback);
	}

	async close(): Promise<void> {
		this.#ending.abort();
		await this.#connection?.end();
		await this.#running;
		this.#inbox.close();
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	/** A connection, or why there is none. Each attempt tries MQTT 5 first: the broker may be another one by now. */
	async #attempt(signal: AbortSignal): Promise<Connection | OperationError> {
		for (const protocol of [5, 4] as const) {
			try {
				const receive = this.#inbox.receive.bind(this.#inbox);
				return await openConnection({ options: this.#options, protocol, receive, signal });
			} catch (error) {
				if (error instanceof OperationError) return error;
				if (!(error instanceof VersionRefused)) throw error;
			}
		}
		return new OperationError("broker-unreachable", `${this.#broker} speaks neither MQTT 5 nor 3.1.1`);
	}

	async #keepUp(first: Connection | OperationError): Promise<void> {
		const { signal } = this.#ending;
		let outcome = first;
		while (!signal.aborted) {
			if (outcome instanceof OperationError) this.#report(outcome);
			const end = outcome instanceof OperationError ? outcome : await this.#live(outcome);
			// Rejects only when the session is closed, which the loop sees by itself.
			await wait(this.#pauseMs(end), undefined, { signal }).catch(() => undefined);
			if (!signal.aborted) outcome = await this.#attempt(signal);
		}
		if (!(outcome instanceof OperationError)) await outcome.end();
	}

	/** Serves until the connection ends, and says why it did. */
	async #live(connection: Connection): Promise<Error | undefined> {
		const { log } = this.#options;
		const bornAtMs = performance.now();
		this.#connection = connection;
		this.#protocol = connection.protocol;
		this.#reported = undefined;
		const mqtt = connection.protocol === 5 ? "5" : "3.1.1";
		log.info({ broker: this.#broker, mqtt }, "connected to the broker");
		const filters = this.#inbox.filters;
		if (filters.length > 0) this.#afterwards(connection, () => connection.subscribe(filters));
		for (const callback of this.#births) this.#afterwards(connection, callback);
		const reason = await connection.ended;
		this.#connection = undefined;
		for (const callback of this.#losses) callback();
		const livedMs = Math.round(performance.now() - bornAtMs);
		if (livedMs >= youngMs) {
			this.#failures = 0;
			this.#takeovers = 0;
		}
		if (this.#ending.signal.aborted) return reason;
		const context = { broker: this.#broker, reason: reason?.message, livedMs };
		if (reason instanceof TakenOver) {
			const hint = "two programs run under one name: stop one of them";
			log.error(
				{ ...context, client: this.#options.clientId, hint },
				"another program took this one's place",
			);
		} else log.warn(context, "lost the broker");
		return reason;
	}

	/** Does `work` after what was asked for before it, unless the connection is gone by then. */
	#afterwards(connection: Connection, work: Work): void {
		this.#order = this.#order.then(async () => {
			if (this.#connection !== connection) return;
			try {
				await work();
			} catch (error) {
				// What our own goodbye cut off is no failure.
				if (this.#ending.signal.aborted) return;
				this.#options.log.error({ err: error, broker: this.#broker }, "the session could not be set up");
				this.#connection = undefined;
				connection.drop(error instanceof Error ? error : new Error(String(error)));
			}
		});
	}

	#pauseMs(reason: Error | undefined): number {
		const isRefused = reason instanceof OperationError && reason.code === "broker-refused";
		// Who was there first comes back soon, so that the one that came second hears of it and ends. Coming back for ever would
		// only throw the other one out again, and so on.
		if (reason instanceof TakenOver && this.#takeovers++ < takeoversAnsweredSoon) {
			return backoffMs(this.#takeovers - 1, Math.random);
		}
		return isRefused || reason instanceof TakenOver
			? refusedBackoffMs(Math.random)
			: backoffMs(this.#failures++, Math.random);
	}

	/** Once per cause: a broker that is away for a night must not fill the log. */
	#report({ code, message, hint }: OperationError): void {
		if (this.#ending.signal.aborted || this.#reported === code) return;
		this.#reported = code;
		const { log } = this.#options;
		const context = { broker: this.#broker, code, reason: message, hint };
		if (code === "broker-refused") log.error(context, "the broker refuses this account; trying again");
		else log.warn(context, "the broker cannot be reached; trying again");
	}
}

function refuseOversize(topic: string, payload: string): void {
	const bytes = Buffer.byteLength(payload);
	if (bytes <= maximumMessageBytes) return;
	throw new OperationError(
		"command-too-large",
		`a message of ${bytes} bytes was not published to ${topic}: the most is ${maximumMessageBytes}`,
	);
}
