import type { ClientRequest, IncomingMessage } from "node:http";
import { type Duplex, Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { type FailureCode, OperationError } from "@davit/protocol";
import { z } from "zod";

// An import of node:http by name reads all of its exports, and with them loads the whole fetch client: 12 MB in a program that
// never fetches.
const { request } = process.getBuiltinModule("node:http");

export interface Ask {
	readonly method: "GET" | "HEAD" | "POST" | "PUT" | "DELETE";
	readonly path: string;
	readonly query?: Readonly<Record<string, string>>;
	/** A stream is sent as a tar; anything else as JSON. */
	readonly body?: Readable | Readonly<Record<string, unknown>>;
	/** What is attempted, for the message of a refusal: `stop container web`. */
	readonly purpose: string;
	/** Milliseconds until the engine must have begun to answer; 60 s when absent, 0 = forever. */
	readonly patienceMs?: number;
}

/** Sends a request with the version that was agreed on. */
export type AskVersioned = (ask: Ask, signal: AbortSignal, answers?: readonly number[]) => Promise<Reply>;

export interface Reply {
	readonly status: number;
	readonly headers: Readonly<Record<string, string | string[] | undefined>>;
	readonly body: IncomingMessage;
}

const Refusal = z.object({ message: z.string() });

/**
 * Sends one request over the engine's socket and returns its reply; the caller reads or destroys the body.
 * @throws OperationError docker-unreachable where nothing answers, docker-refused where the status is neither 2xx, 304 nor in `answers`
 */
export async function askEngine(
	ask: Ask,
	{ socketPath, signal, answers = [] }: Connection & { readonly answers?: readonly number[] },
): Promise<Reply> {
	signal.throwIfAborted();
	const patienceMs = ask.patienceMs ?? 60_000;
	const answered = new AbortController();
	const patience = patienceMs === 0 ? undefined : setTimeout(() => answered.abort(), patienceMs);
	try {
		const sent = request({
			socketPath,
			method: ask.method,
			path: pathOf(ask),
			headers: headersOf(ask),
			agent: false,
			signal: AbortSignal.any([signal, answered.signal]),
		});
		const body = await replyOf(sent, ask);
		const status = body.statusCode ?? 0;
		if ((status >= 200 && status < 300) || status === 304 || answers.includes(status)) {
			return { status, headers: body.headers, body };
		}
		throw refused(ask, status, await text(body));
	} catch (cause) {
		signal.throwIfAborted();
		if (cause instanceof OperationError) throw cause;
		throw unreachable(ask, { socketPath, cause, patienceMs, isLate: answered.signal.aborted });
	} finally {
		clearTimeout(patience);
	}
}

export interface Connection {
	readonly socketPath: string;
	readonly signal: AbortSignal;
}

/**
 * Asks the engine to turn the connection into a stream of bytes both ways, which is the caller's to destroy. The first bytes may
 * have come with the reply.
 * @throws OperationError docker-unreachable, docker-refused
 */
export async function askStream(
	ask: Ask,
	{ socketPath, signal }: Connection,
): Promise<{ readonly stream: Duplex; readonly head: Buffer }> {
	signal.throwIfAborted();
	const headers = { ...headersOf(ask), connection: "Upgrade", upgrade: "tcp" };
	const sent = request({ socketPath, method: ask.method, path: pathOf(ask), headers, agent: false, signal });
	try {
		const turned = new Promise<{ stream: Duplex; head: Buffer }>((resolve, reject) => {
			sent.once("upgrade", (_reply, stream, head) => resolve({ stream, head }));
			sent.once("response", (reply) => {
				text(reply).then((answer) => reject(refused(ask, reply.statusCode ?? 0, answer)), reject);
			});
			sent.once("error", reject);
		});
		sent.end(ask.body === undefined ? undefined : JSON.stringify(ask.body));
		return await turned;
	} catch (cause) {
		signal.throwIfAborted();
		if (cause instanceof OperationError) throw cause;
		throw unreachable(ask, { socketPath, cause, patienceMs: 0, isLate: false });
	}
}

/** The JSON of a reply, checked. @throws OperationError docker-unreachable; docker-refused where it is not what the engine's API promises */
export async function readReply<Schema extends z.ZodType>(
	{ body }: Reply,
	schema: Schema,
	purpose: string,
): Promise<z.infer<Schema>> {
	const answer = await readText(body, purpose);
	try {
		return schema.parse(JSON.parse(answer));
	} catch (cause) {
		throw new OperationError("docker-refused", `could not ${purpose}: the engine's answer cannot be read`, {
			cause,
		});
	}
}

/** All of a reply. @throws OperationError docker-unreachable where the engine ends before it has said all */
export async function readText(body: Readable, purpose: string): Promise<string> {
	try {
		return await text(body);
	} catch (cause) {
		throw new OperationError(
			"docker-unreachable",
			`could not ${purpose}: the engine broke off in the middle of its answer`,
			{ cause, hint: "sudo systemctl start docker" },
		);
	}
}

/** Ends a reply whose body says nothing. */
export function ignoreBody({ body }: Reply): void {
	body.resume();
}

function replyOf(sent: ClientRequest, { body }: Ask): Promise<IncomingMessage> {
	return new Promise((resolve, reject) => {
		sent.once("response", resolve);
		sent.once("error", reject);
		if (body instanceof Readable) pipeline(body, sent).catch(reject);
		else sent.end(body === undefined ? undefined : JSON.stringify(body));
	});
}

function pathOf({ path, query }: Ask): string {
	return query === undefined ? path : `${path}?${new URLSearchParams(query)}`;
}

function headersOf({ body }: Ask): Record<string, string> {
	const host = { host: "docker" };
	if (body === undefined) return host;
	return { ...host, "content-type": body instanceof Readable ? "application/x-tar" : "application/json" };
}

function refused(ask: Ask, status: number, answer: string): OperationError {
	const said = Refusal.safeParse(parseOrUndefined(answer));
	const reason = said.success ? said.data.message : answer.slice(0, 300);
	return new OperationError(
		"docker-refused",
		`could not ${ask.purpose}: the engine answered ${status}, ${reason}`,
		{
			hint: "read the engine's own words in the message",
		},
	);
}

function parseOrUndefined(answer: string): unknown {
	try {
		return JSON.parse(answer);
	} catch {
		// The engine answers some refusals in plain text, which is then shown as it is.
		return undefined;
	}
}

interface Silence {
	readonly socketPath: string;
	readonly cause: unknown;
	readonly patienceMs: number;
	readonly isLate: boolean;
}

function unreachable(ask: Ask, { socketPath, cause, patienceMs, isLate }: Silence): OperationError {
	const code: FailureCode = "docker-unreachable";
	const attempted = `could not ${ask.purpose}`;
	if (isLate) {
		const message = `${attempted}: the Docker engine at ${socketPath} said nothing for ${patienceMs / 1000} s`;
		return new OperationError(code, message, { cause, hint: "sudo systemctl restart docker" });
	}
	const reason = errorCode(cause);
	if (reason === "EACCES" || reason === "EPERM") {
		const message = `${attempted}: this user may not open ${socketPath}`;
		return new OperationError(code, message, {
			cause,
			hint: 'sudo usermod -aG docker "$USER", then sign in again',
		});
	}
	if (reason === "ENOENT") {
		const message = `${attempted}: there is no Docker socket at ${socketPath}`;
		return new OperationError(code, message, { cause, hint: "sudo systemctl start docker" });
	}
	const message = `${attempted}: no Docker engine answers at ${socketPath}`;
	return new OperationError(code, message, { cause, hint: "sudo systemctl start docker" });
}

function errorCode(error: unknown): unknown {
	return error instanceof Error && "code" in error ? error.code : undefined;
}
