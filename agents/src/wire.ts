import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { instantOf, type Logger, OperationError, Presence, topicsOf } from "@davit/protocol";
import { type Message, openSession, type Session } from "@davit/protocol/mqtt";
import type { AgentConfig } from "./config.ts";
import { guardName, type NameGuard, nameTaken } from "./showing/guard-name.ts";

const goodbyeMs = 2_000;

export interface WireOptions {
	readonly config: AgentConfig;
	/** The journal's id and the agent's epoch. */
	readonly journal: { readonly id: string; readonly agentEpoch: number };
	readonly now: () => number;
	readonly log: Logger;
	readonly onCommand: (message: Message) => void;
	/** The coordinator began a new life while this agent was connected. */
	readonly onCoordinator: () => void;
	/** After each connect, when the presence was published. */
	readonly onBirth: (session: string) => Promise<void>;
	/** The agent must end. */
	readonly onFatal: (error: unknown) => void;
}

/** The agent's way to the broker. */
export class Wire {
	readonly #options: WireOptions;
	readonly #guard: NameGuard;
	readonly #topics: ReturnType<typeof topicsOf>;
	#session: Session | undefined;
	#coordinatorSession: string | undefined;

	constructor(options: WireOptions) {
		this.#options = options;
		this.#guard = guardName(options.journal.id, options.now());
		this.#topics = topicsOf(options.config.site);
	}

	/** @throws OperationError broker-refused | configuration-invalid | cancelled */
	async open(signal: AbortSignal): Promise<void> {
		const { config, log, onCommand } = this.#options;
		const { host, broker } = config;
		const wire = this;
		const session = await openSession(
			{
				...{ url: broker.url, username: broker.username, password: broker.password },
				clientId: `davit-${host}`,
				certificateAuthority: readAuthority(broker.certificateAuthorityFile),
				// Each connection has its own, so that a late will of the last one is known to be old.
				get will() {
					return { topic: wire.#topics.presence(host), payload: wire.#presence("offline") };
				},
				log,
			},
			signal,
		);
		this.#session = session;
		session.subscribe(this.#topics.command(host), (message) => this.#guarded(() => onCommand(message)));
		session.subscribe(this.#topics.presence(host), (message) => this.#hearOwn(message));
		session.subscribe(this.#topics.coordinatorPresence(), (message) => this.#hearCoordinator(message));
		session.onLoss(() => {
			this.#guard.renew();
			this.#coordinatorSession = undefined;
		});
		session.onBirth(() => this.#beBorn());
	}

	/** What is not sent because the broker is away is sent again by those who keep it. */
	send(topic: string, payload: string): void {
		if (this.#session?.isConnected !== true) return;
		this.#session.publish(topic, payload).catch((error: unknown) => this.tellUnsent(topic, error));
	}

	async publishRetained(topic: string, payload: string): Promise<void> {
		if (this.#session?.isConnected !== true) return;
		await this.#session.publish(topic, payload, { retain: true });
	}

	tellUnsent(topic: string, error: unknown): void {
		if (error instanceof OperationError && error.code === "broker-unreachable") return;
		this.#options.log.warn({ topic, err: error }, "a message could not be published");
	}

	/** Says goodbye first, because a clean end suppresses the will. */
	async close(): Promise<void> {
		const session = this.#session;
		if (session === undefined) return;
		if (session.isConnected) {
			const said = this.publishRetained(
				this.#topics.presence(this.#options.config.host),
				this.#presence("offline"),
			).catch((error: unknown) => this.tellUnsent("presence", error));
			const over = new AbortController();
			await Promise.race([said, sleep(goodbyeMs, undefined, { signal: over.signal }).catch(ignoreAbort)]);
			over.abort();
		}
		await session.close();
	}

	async #beBorn(): Promise<void> {
		const { config, onBirth } = this.#options;
		await this.publishRetained(this.#topics.presence(config.host), this.#presence("online"));
		this.#guard.born();
		await onBirth(this.#guard.session);
	}

	#hearOwn(message: Message): void {
		const presence = readPresence(message);
		if (presence === undefined) return;
		const { config, log, onFatal } = this.#options;
		const { host } = config;
		const meaning = this.#guard.hear(presence, message.retain);
		if (meaning === "nothing") return;
		if (meaning === "name-taken") {
			onFatal(nameTaken(host));
			return;
		}
		if (meaning === "other-came") log.error({ host }, "another agent tried to answer to this host's name");
		this.#sayAgain(message.topic);
	}

	#sayAgain(topic: string): void {
		this.publishRetained(topic, this.#presence("online")).catch((error: unknown) =>
			this.tellUnsent(topic, error),
		);
	}

	#hearCoordinator(message: Message): void {
		const presence = readPresence(message);
		if (presence?.state !== "online") return;
		const isNew = this.#coordinatorSession !== undefined && this.#coordinatorSession !== presence.session;
		this.#coordinatorSession = presence.session;
		if (isNew) this.#guarded(this.#options.onCoordinator);
	}

	/** A throw goes on to the session, so that the broker gets no acknowledgement, and ends the agent. */
	#guarded(work: () => void): void {
		try {
			work();
		} catch (error) {
			this.#options.onFatal(error);
			throw error;
		}
	}

	#presence(state: Presence["state"]): string {
		const { journal, now } = this.#options;
		const session = this.#guard.session;
		return JSON.stringify({
			...{ version: 1, state, session, at: instantOf(now()), epoch: journal.agentEpoch },
		} satisfies Presence);
	}
}

/** Undefined where it is empty or no presence: nothing can be learned from it. */
function readPresence({ payload }: Message): Presence | undefined {
	if (payload.byteLength === 0) return undefined;
	try {
		return Presence.safeParse(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(payload))).data;
	} catch (error) {
		if (error instanceof SyntaxError || error instanceof TypeError) return undefined;
		throw error;
	}
}

function readAuthority(file: string | undefined): string | undefined {
	if (file === undefined) return undefined;
	try {
		return readFileSync(file, "utf8");
	} catch (error) {
		throw new OperationError(
			"configuration-invalid",
			`key broker.certificateAuthorityFile is ${file}, which cannot be read`,
			{ cause: error, hint: "mend broker.certificateAuthorityFile, or remove it" },
		);
	}
}

function ignoreAbort(error: unknown): void {
	if (!(error instanceof Error && error.name === "AbortError")) throw error;
}
