import { readFileSync } from "node:fs";
import { type Logger, OperationError, type StatusDocument, topicsOf } from "@davit/protocol";
import { type Message, openSession, type Session, type SessionOptions } from "@davit/protocol/mqtt";
import type { CoordinatorConfig } from "./config.ts";
import type { Outgoing } from "./core/context.ts";
import type { CoordinatorCore } from "./core/core.ts";

const openTimeoutMs = 15_000;
const goodbyeTimeoutMs = 2000;

/** The core's way to the broker. */
export class Wire {
	readonly #log: Logger;
	#session: Session | undefined;
	#wasConnected = false;
	#saidProtocol: number | undefined;

	constructor(log: Logger) {
		this.#log = log;
	}

	/** What is not sent because the broker is away is published again when it is back, or resent by the core. */
	send({ topic, payload, retain = false, expirySeconds }: Outgoing): void {
		const session = this.#session;
		if (session?.isConnected !== true) return;
		const options = { retain, ...(expirySeconds === undefined ? {} : { expirySeconds }) };
		session.publish(topic, payload, options).catch((error: unknown) => {
			if (error instanceof OperationError && error.code === "broker-unreachable") return;
			this.#log.warn({ topic, err: error }, "a message could not be published");
		});
	}

	/** @throws OperationError broker-refused | configuration-invalid */
	async open(options: Omit<SessionOptions, "log">, core: CoordinatorCore, site: CoordinatorConfig["site"]) {
		const together = (handleAll: () => void) => core.together(handleAll);
		const session = await openSession(
			{ ...options, together, log: this.#log },
			AbortSignal.timeout(openTimeoutMs),
		);
		this.#session = session;
		const { all } = topicsOf(site);
		for (const filter of [
			...[all.presences, all.descriptions, all.inventories, all.resourceStates, all.resourceArchives],
			...[all.reports, all.syncs, all.requests],
		]) {
			session.subscribe(filter, (message) => this.#receive(core, message));
		}
		session.onBirth(() => {
			this.#warn(options.url, session.protocol);
			core.birth();
		});
	}

	/**
	 * An edge. Where the history cannot be written the message must come again, so the throw goes through; a message that
	 * shows a defect would come again for ever, so it is reported and let go: what matters in it is sent again by its sender.
	 */
	#receive(core: CoordinatorCore, message: Message): void {
		try {
			core.receive(message);
		} catch (error) {
			if (error instanceof OperationError) throw error;
			this.#log.error({ err: error, topic: message.topic }, "a message was not taken because of a defect");
		}
	}

	/** Called with each tick: tells the core when the broker went away. */
	watch(core: CoordinatorCore): void {
		const isConnected = this.#session?.isConnected ?? false;
		if (this.#wasConnected && !isConnected) core.lost();
		this.#wasConnected = isConnected;
	}

	describe(name: string): StatusDocument["broker"] {
		const protocol = this.#session?.protocol === 4 ? "3.1.1" : "5";
		return { name, protocol, connected: this.#session?.isConnected ?? false };
	}

	/** Why Home Assistant would not be served as it wants. */
	warning(): string | undefined {
		const session = this.#session;
		if (session?.isConnected !== true || session.protocol === 5) return undefined;
		return "this broker speaks only MQTT 3.1.1; Home Assistant asks for MQTT 5 and drops 3.1.1 in 2027.1: take a broker that speaks 5";
	}

	/** Says goodbye first, because a clean end suppresses the will. */
	async close(core: CoordinatorCore): Promise<void> {
		const session = this.#session;
		if (session === undefined) return;
		const { topic, payload } = core.presence("offline");
		if (session.isConnected) {
			const goodbye = session.publish(topic, payload, { retain: true });
			const limit = new Promise<void>((resolve) => setTimeout(resolve, goodbyeTimeoutMs).unref());
			await Promise.race([goodbye, limit]).catch((error: unknown) => {
				this.#log.warn({ err: error }, "the goodbye could not be published");
			});
		}
		await session.close();
	}

	#warn(url: string, protocol: number): void {
		if (this.#saidProtocol === protocol) return;
		this.#saidProtocol = protocol;
		const warning = this.warning();
		if (warning !== undefined) this.#log.warn({ broker: new URL(url).host }, warning);
	}
}

/** PEM of the authority that an external broker's certificate is checked with. */
export function readAuthority(file: string): string {
	try {
		return readFileSync(file, "utf8");
	} catch (error) {
		throw new OperationError(
			"configuration-invalid",
			`broker.certificateAuthorityFile ${file} cannot be read`,
			{
				cause: error,
			},
		);
	}
}
