import type { Socket } from "node:net";
import { createServer, type Server, type TLSSocket } from "node:tls";
import { encodeJoinString, type HostName, type Logger, OperationError } from "@davit/protocol";
import type { Admission, Admitted } from "../desk.ts";
import { answerJoiner } from "./answer-joiner.ts";
import { hashToken, type Invitations, invitationLifetimeMs, newToken } from "./invitations.ts";
import { openCertificate } from "./open-certificate.ts";
import { Throttle } from "./throttle.ts";

export interface JoinDoorOptions {
	/** Where the certificate is kept; made when missing. */
	readonly folder: string;
	readonly host: string;
	/** 0 = any free one. */
	readonly port: number;
	/** Name or address by which a new host reaches this machine. */
	readonly reachableAt: string;
	readonly invitations: Invitations;
	/** Makes the host's account, after its token was used up. What it throws is told to the joiner. */
	readonly admit: (admission: Admission) => Promise<Admitted>;
	/** Milliseconds since 1970. */
	readonly now: () => number;
	readonly log: Logger;
}

export interface Invited {
	/** Shown once; whoever has it for 15 minutes can join as that host. */
	readonly string: string;
	readonly expiresMs: number;
}

export interface JoinDoor extends AsyncDisposable {
	/** Whether anything listens. */
	readonly isOpen: boolean;
	/** @throws OperationError port-taken | configuration-invalid */
	invite(host: HostName): Promise<Invited>;
	close(): Promise<void>;
}

const mostConnections = 20;
const connectionTimeoutMs = 20_000;

/** The door through which new hosts come: TLS, and only open while there is an invitation that can still be used. */
export function openJoinDoor(options: JoinDoorOptions): JoinDoor {
	return new Door(options);
}

class Door implements JoinDoor {
	readonly #options: JoinDoorOptions;
	readonly #throttle: Throttle;
	/** Until when each open invitation is good, by its hash. */
	readonly #open = new Map<string, number>();
	readonly #sockets = new Set<Socket>();
	#server: Promise<Server> | undefined;
	#timer: NodeJS.Timeout | undefined;

	constructor(options: JoinDoorOptions) {
		this.#options = options;
		this.#throttle = new Throttle(options.now);
	}

	get isOpen(): boolean {
		return this.#server !== undefined;
	}

	async invite(host: HostName): Promise<Invited> {
		const { now, reachableAt, invitations, folder, log } = this.#options;
		const { fingerprint } = await openCertificate(folder, now());
		const token = newToken();
		const secretHash = hashToken(token);
		const expiresMs = now() + invitationLifetimeMs;
		// Before listening, so that no other invitation's end closes the door meanwhile.
		this.#open.set(secretHash, expiresMs);
		try {
			const port = await this.#listen();
			invitations.save({ secretHash, host, expiresMs });
			this.#expire();
			log.info({ host, port }, "invited a host to join");
			return {
				string: encodeJoinString({ address: reachableAt, port, fingerprint, token, host }),
				expiresMs,
			};
		} catch (error) {
			this.#settle(secretHash);
			throw error;
		}
	}

	async close(): Promise<void> {
		clearTimeout(this.#timer);
		this.#open.clear();
		const server = this.#server;
		this.#server = undefined;
		for (const socket of this.#sockets) socket.destroy();
		if (server !== undefined) await closed(server);
	}

	[Symbol.asyncDispose](): Promise<void> {
		return this.close();
	}

	async #listen(): Promise<number> {
		this.#server ??= this.#start().catch((error: unknown) => {
			this.#server = undefined;
			throw error;
		});
		const address = (await this.#server).address();
		return typeof address === "object" && address !== null ? address.port : this.#options.port;
	}

	async #start(): Promise<Server> {
		const { folder, now, host, port } = this.#options;
		const { certificate, key } = await openCertificate(folder, now());
		const server = createServer({ cert: certificate, key, minVersion: "TLSv1.3", handshakeTimeout: 10_000 });
		server.maxConnections = mostConnections;
		server.on("connection", (socket) => {
			this.#sockets.add(socket);
			socket.once("close", () => this.#sockets.delete(socket));
			socket.setTimeout(connectionTimeoutMs, () => socket.destroy());
		});
		server.on("secureConnection", (socket) => {
			socket.on("error", () => socket.destroy());
			this.#welcome(socket).catch((error: unknown) => {
				this.#options.log.error({ err: error }, "a joiner could not be answered");
				socket.destroy();
			});
		});
		await new Promise<void>((resolve, reject) => {
			server.once("error", (error) => reject(listenFailure(error, `${host}:${port}`)));
			server.listen({ host, port }, resolve);
		});
		return server;
	}

	async #welcome(socket: TLSSocket): Promise<void> {
		const address = socket.remoteAddress ?? "";
		if (!this.#throttle.isOpen(address)) {
			socket.destroy();
			return;
		}
		const outcome = await answerJoiner(socket, this.#options);
		if (outcome.kind === "mistake") this.#throttle.mistake(address);
		else this.#settle(outcome.secretHash);
		this.#expire();
	}

	/** An invitation can no longer be used; the last one closes the door. */
	#settle(secretHash: string): void {
		this.#open.delete(secretHash);
		if (this.#open.size > 0 || this.#server === undefined) return;
		clearTimeout(this.#timer);
		// Whoever is being answered is let finish.
		void closed(this.#server);
		this.#server = undefined;
	}

	#expire(): void {
		const nowMs = this.#options.now();
		for (const [secretHash, expiresMs] of this.#open) {
			if (expiresMs <= nowMs) this.#settle(secretHash);
		}
		clearTimeout(this.#timer);
		if (this.#open.size === 0) return;
		const waitMs = Math.min(...this.#open.values()) - nowMs;
		this.#timer = setTimeout(() => this.#expire(), waitMs).unref();
	}
}

async function closed(server: Promise<Server>): Promise<void> {
	// One that could not be opened is closed; who asked for it was told.
	const open = await server.catch(() => undefined);
	await new Promise<void>((resolve) => (open === undefined ? resolve() : open.close(() => resolve())));
}

function listenFailure(error: NodeJS.ErrnoException, where: string): OperationError {
	const isTaken = error.code === "EADDRINUSE";
	return new OperationError(
		isTaken ? "port-taken" : "configuration-invalid",
		`new hosts cannot be let in on ${where}: ${isTaken ? "another program listens there" : error.message}`,
		{ cause: error, hint: "set join.host and join.port in the coordinator's configuration" },
	);
}
