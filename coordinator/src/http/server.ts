import type { IncomingMessage, Server as NodeServer, ServerResponse } from "node:http";
import { hostname } from "node:os";
import { type Logger, OperationError } from "@davit/protocol";
import { isLoopback } from "../config.ts";
import type { Desk } from "../desk.ts";
import { answer } from "./answer.ts";
import { readAssets } from "./assets.ts";
import { openDoors } from "./doors.ts";
import type { Door } from "./exchange.ts";
import { listenOnPort, listenOnSocket } from "./listen.ts";
import { openLiveViews } from "./live.ts";
import type { Metric } from "./metrics.ts";

// An import of node:http by name reads all of its exports, and with them loads the whole fetch client: 12 MB in a program that
// never fetches.
const { createServer } = process.getBuiltinModule("node:http");

export interface HttpConfig {
	/** An address of this machine; any other than loopback demands a password. */
	readonly host: string;
	/** 0 = any free one. */
	readonly port: number;
	readonly password?: string | undefined;
	/** Further names that a browser may reach the page by, behind a proxy for instance. */
	readonly names?: readonly string[] | undefined;
}

export interface ServerOptions {
	readonly desk: Desk;
	readonly http: HttpConfig;
	/** Who can open it is the operator; made with mode 0600. */
	readonly socketPath: string;
	readonly log: Logger;
	readonly now: () => number;
	readonly isHistoryWritable: () => boolean;
	/** Further numbers for `/metrics`. */
	readonly metrics?: (() => readonly Metric[]) | undefined;
	/** Signs the sessions' cookies; keep it to keep people logged in over a restart. */
	readonly sessionKey?: Uint8Array | undefined;
}

export interface Server extends AsyncDisposable {
	/** Ends with a slash. */
	readonly url: string;
	readonly port: number;
	/** A link that lets one browser in, once, within 10 minutes. */
	makePageLink(): string;
}

/**
 * Serves the page and the documents on a TCP port and on a unix socket.
 * @throws OperationError configuration-invalid | port-taken
 */
export async function openServer(options: ServerOptions): Promise<Server> {
	const { http, socketPath, log } = options;
	const isLocal = isLoopback(http.host);
	if (!isLocal && !http.password) {
		throw new OperationError(
			"configuration-invalid",
			`the page was not opened on ${http.host}: an address that others can reach needs http.password`,
			{ hint: "set http.password, or http.host to 127.0.0.1" },
		);
	}
	await using opened = new AsyncDisposableStack();
	const closing = new AbortController();
	const doors = await openDoors({ ...options, password: http.password });
	let origin = "";
	const makePageLink = () => `${origin}/door?key=${doors.makeKey()}`;
	const assets = await readAssets();
	const live = opened.use(openLiveViews(options));
	const context = {
		...options,
		doors,
		assets,
		live,
		makePageLink,
		isLocal,
		names: namesOf(http),
		proxyNames: new Set(http.names),
	};
	const serve = (door: Door) =>
		makeServer((request, response) => answer({ request, response, door, closing: closing.signal }, context));

	const onPort = serve("tcp");
	const port = await listenOnPort(onPort, http);
	opened.defer(() => close(onPort));
	const onSocket = serve("socket");
	opened.use(await listenOnSocket(onSocket, socketPath));
	opened.defer(() => close(onSocket));
	opened.defer(() => closing.abort());
	origin = `http://${originHost(http.host)}:${port}`;
	log.info({ address: http.host, port, socket: socketPath }, "page and documents are served");
	const release = opened.move();
	return {
		url: `${origin}/`,
		port,
		makePageLink,
		[Symbol.asyncDispose]: () => release.disposeAsync(),
	};
}

function makeServer(listener: (request: IncomingMessage, response: ServerResponse) => void): NodeServer {
	const limits = {
		headersTimeout: 10_000,
		requestTimeout: 15_000,
		keepAliveTimeout: 5_000,
		connectionsCheckingInterval: 1_000,
		maxHeaderSize: 16 * 1024,
	};
	const server = createServer(limits, listener);
	server.maxConnections = 512;
	server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
		if (!socket.writable || error.code === "ECONNRESET") return socket.destroy();
		const [status, sentence] = clientErrors[error.code ?? ""] ?? ["400 Bad Request", "this is not HTTP"];
		socket.end(
			`HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n${sentence}\n`,
		);
		return undefined;
	});
	return server;
}

const clientErrors: Readonly<Record<string, readonly [string, string]>> = {
	HPE_HEADER_OVERFLOW: ["431 Request Header Fields Too Large", "the headers are larger than 16 KiB"],
	ERR_HTTP_REQUEST_TIMEOUT: ["408 Request Timeout", "the request did not come within 15 seconds"],
};

async function close(server: NodeServer): Promise<void> {
	const closed = new Promise<void>((resolve) => server.close(() => resolve()));
	server.closeIdleConnections();
	// Streams were told to end; what is still open after that is cut.
	const cut = setTimeout(() => server.closeAllConnections(), 500);
	await closed;
	clearTimeout(cut);
}

function namesOf({ host, names = [] }: HttpConfig): ReadonlySet<string> {
	const own = hostname().toLowerCase();
	return new Set([host, own, `${own}.local`, ...names].map((name) => name.toLowerCase()));
}

/** The name a browser on this machine reaches the server by. */
function originHost(host: string): string {
	if (host === "0.0.0.0" || host === "::") return "127.0.0.1";
	return host.includes(":") ? `[${host}]` : host;
}
