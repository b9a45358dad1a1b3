import { createServer, type Server, type Socket } from "node:net";
import { type Logger, maximumMessageBytes, OperationError, type SiteName } from "@davit/protocol";
import { Aedes, type AedesOptions, type AuthErrorCode } from "aedes";
import type { Accounts } from "./accounts.ts";
import { Gate } from "./gate.ts";
import { indexRetained } from "./retained-store.ts";

export interface EmbeddedBrokerOptions {
	/** Address to listen on; `0.0.0.0` is every network. */
	readonly host: string;
	/** 0 = any free one. */
	readonly port: number;
	readonly site: SiteName;
	readonly accounts: Accounts;
	readonly log: Logger;
	/** Milliseconds that a client may leave its socket full before it is dropped; 10,000 unless told. */
	readonly drainTimeoutMs?: number;
}

export interface EmbeddedBroker extends AsyncDisposable {
	readonly port: number;
	/** For programs on this machine. */
	readonly url: string;
	/** Open connections, whether they have said who they are or not. */
	readonly connections: number;
	readonly retainedMessages: number;
	/** Ends the connections of an account that was removed or got another password. */
	disconnect(username: string): void;
	close(): Promise<void>;
}

const maximumPacketBytes = 4 * maximumMessageBytes;
const connectTimeoutMs = 10_000;
const sweepEveryMs = 10 * 60_000;

/**
 * Opens aedes on a TCP port, for MQTT 5 and 3.1.1. Nobody gets in without an account, and each account does only what its role
 * may (`rules.ts`). It keeps everything in memory: whoever published comes back and says it again (ADR 0002).
 * @throws OperationError port-taken | configuration-invalid
 */
export async function openEmbeddedBroker(options: EmbeddedBrokerOptions): Promise<EmbeddedBroker> {
	const gate = new Gate(options);
	const broker = await Aedes.createBroker({
		// No limit: with one, messages for a client that reads nothing would hold up those for all others. What piles up for it
		// is bounded by the time after which it is dropped.
		concurrency: 0,
		drainTimeout: options.drainTimeoutMs ?? 10_000,
		connectTimeout: connectTimeoutMs,
		maximumPacketSize: maximumPacketBytes,
		maxTopicLevels: 20,
		sessionExpiryIntervalLimit: 3600,
		pendingSessionsLimit: 1000,
		...rulesBy(gate, options.log),
	});
	const retained = indexRetained(broker);
	logFailures(broker, gate, options.log);
	const server = createServer({ noDelay: true, keepAlive: true }, (socket) => void broker.handle(socket));
	const sockets = new Set<Socket>();
	server.on("connection", (socket) => {
		sockets.add(socket);
		socket.on("close", () => sockets.delete(socket));
	});
	const port = await listen(server, options).catch(async (error: unknown) => {
		await closeBroker(broker);
		throw error;
	});
	const sweep = setInterval(() => retained.sweep(Date.now()), sweepEveryMs).unref();
	const close = async () => {
		clearInterval(sweep);
		const closed = new Promise<void>((resolve) => server.close(() => resolve()));
		await closeBroker(broker);
		for (const socket of sockets) socket.destroy();
		await closed;
	};
	return {
		port,
		url: `mqtt://${localAddress(options.host)}:${port}`,
		get connections() {
			return sockets.size;
		},
		get retainedMessages() {
			return retained.size;
		},
		disconnect: (username) => gate.disconnect(username),
		close,
		[Symbol.asyncDispose]: close,
	};
}

type Hooks = Pick<Required<AedesOptions>, "authenticate" | "authorizePublish" | "authorizeSubscribe">;

function rulesBy(gate: Gate, log: Logger): Hooks {
	return {
		authenticate: (client, ...[username = "", password = Buffer.alloc(0), done]) => {
			gate.admit(client, { username, password }).then(
				(answer) => {
					if (client.conn.closed) gate.leave(client);
					else client.conn.once("close", () => gate.leave(client));
					const error = Object.assign(new Error(answer), { returnCode: connackCodes[answer] });
					done(answer === "admitted" ? null : error, answer === "admitted");
				},
				(error: unknown) => {
					log.error({ err: error, username }, "an account could not be checked");
					done(Object.assign(new Error("failed"), { returnCode: connackCodes.failed }), false);
				},
			);
		},
		authorizePublish: (client, packet, done) => {
			if (client !== null && gate.mayPublish(client, packet)) {
				done(null);
			} else if (client?.version === 5) {
				// aedes answers with a PUBACK that says so, and keeps the connection (MQTT 5, 3.4.2.1).
				done(new Error(`this account may not publish to ${packet.topic}`));
			} else {
				// 3.1.1 has no word for it, and aedes would end the connection: acknowledge it and let it go nowhere, as Mosquitto does.
				Object.assign(packet, { topic: nowhere, payload: Buffer.alloc(0), retain: false });
				done(null);
			}
		},
		authorizeSubscribe: (client, subscription, done) => {
			done(null, gate.maySubscribe(client, subscription.topic) ? subscription : null);
		},
	};
}

/** Nobody may subscribe to it. */
const nowhere = "$davit/refused";

// CONNACK codes of 3.1.1 (3.2.2.3), which aedes translates for MQTT 5; its const enum does not exist at run time.
const connackCodes: Record<"admitted" | "client-id" | "failed" | "unknown", AuthErrorCode> = {
	admitted: 0 as AuthErrorCode,
	"client-id": 2 as AuthErrorCode,
	failed: 3 as AuthErrorCode,
	unknown: 4 as AuthErrorCode,
};

function logFailures(broker: Aedes, gate: Gate, log: Logger): void {
	for (const event of ["clientError", "connectionError"] as const) {
		broker.on(event, (client, error) => {
			const context = { username: gate.username(client), client: client.id, reason: error.message };
			log.debug(context, "a connection to the broker failed");
		});
	}
	// Only its in-memory store could raise it; without a listener it would end the process.
	broker.addListener("error", (error: unknown) => log.error({ err: error }, "the broker's store failed"));
}

/** How programs on this machine reach what listens on `host`. */
function localAddress(host: string): string {
	if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
	return host.includes(":") ? `[${host}]` : host;
}

function closeBroker(broker: Aedes): Promise<void> {
	return new Promise((resolve) => broker.close(() => resolve()));
}

/** @returns the port it listens on */
function listen(server: Server, { host, port }: EmbeddedBrokerOptions): Promise<number> {
	return new Promise((resolve, reject) => {
		server.once("error", (error) => reject(listenFailure(error, `${host}:${port}`)));
		// A thousand agents come back at once after a restart.
		server.listen({ host, port, backlog: 4096 }, () => {
			const address = server.address();
			resolve(typeof address === "object" && address !== null ? address.port : port);
		});
	});
}

function listenFailure(error: NodeJS.ErrnoException, where: string): OperationError {
	if (error.code !== "EADDRINUSE") {
		return new OperationError(
			"configuration-invalid",
			`the broker cannot listen on ${where}: ${error.message}`,
			{ cause: error, hint: "mend broker.host and broker.port" },
		);
	}
	return new OperationError("port-taken", `the broker cannot listen on ${where}: another program does`, {
		cause: error,
		hint: "stop that program, choose another broker.port, or name that broker with --broker URL",
	});
}
