import { type IncomingMessage, request } from "node:http";
import type { Readable } from "node:stream";
import { CommandError, exitCodes } from "../command-error.ts";

// The little of Docker's HTTP API that the demo needs, over the engine's unix socket.

export interface EngineCall {
	readonly method: "GET" | "POST" | "DELETE";
	/** With its query, without the API's version: the engine then takes its own newest. */
	readonly path: string;
	readonly body?: unknown;
	/** A tar to send instead of a JSON body. */
	readonly tar?: Readable;
	/** Statuses that are fine beside 2xx and 304: 404 where what is removed may be gone. */
	readonly allow?: readonly number[];
}

export interface DemoEngine {
	/** The parsed answer; undefined where it has none. */
	call(call: EngineCall): Promise<unknown>;
}

const defaultSocket = "/var/run/docker.sock";

/** The engine of this machine; undefined where none answers. */
export async function openEngine(
	dockerHost: string | undefined,
	signal: AbortSignal,
): Promise<DemoEngine | undefined> {
	const socketPath = dockerHost?.startsWith("unix://") ? dockerHost.slice("unix://".length) : defaultSocket;
	const engine: DemoEngine = { call: (call) => callEngine(call, { socketPath, signal }) };
	try {
		await engine.call({ method: "GET", path: "/_ping" });
		return engine;
	} catch (error) {
		if (error instanceof CommandError && error.code === "docker-unreachable") return undefined;
		throw error;
	}
}

async function callEngine(
	call: EngineCall,
	{ socketPath, signal }: { socketPath: string; signal: AbortSignal },
): Promise<unknown> {
	const response = await send(call, { socketPath, signal });
	const chunks: Uint8Array[] = [];
	// Without an encoding set, an http response yields Buffers.
	for await (const chunk of response) chunks.push(chunk as Buffer);
	const text = Buffer.concat(chunks).toString("utf8");
	const status = response.statusCode ?? 0;
	const isFine = (status >= 200 && status < 300) || status === 304 || call.allow?.includes(status) === true;
	if (!isFine) throw refused(call, text.trim() || `status ${status}`);
	return response.headers["content-type"]?.startsWith("application/json") === true
		? parseLast(text)
		: undefined;
}

function send(
	call: EngineCall,
	{ socketPath, signal }: { socketPath: string; signal: AbortSignal },
): Promise<IncomingMessage> {
	const body = call.body === undefined ? undefined : JSON.stringify(call.body);
	const type = call.tar === undefined ? "application/json" : "application/x-tar";
	return new Promise((resolve, reject) => {
		const outgoing = request(
			{
				socketPath,
				signal,
				agent: false,
				method: call.method,
				path: call.path,
				headers: {
					host: "docker",
					"content-type": type,
					...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
				},
			},
			resolve,
		);
		outgoing.on("error", (error) => reject(signal.aborted ? signal.reason : unreachable(socketPath, error)));
		if (call.tar === undefined) outgoing.end(body);
		else call.tar.on("error", (error) => outgoing.destroy(error)).pipe(outgoing);
	});
}

/** An import answers a line of JSON a step; the last one says how it ended. */
function parseLast(text: string): unknown {
	const line = text.trim();
	if (line === "") return undefined;
	try {
		return JSON.parse(line);
	} catch {
		return JSON.parse(line.split("\n").at(-1) ?? "null");
	}
}

function unreachable(socketPath: string, cause: unknown): CommandError {
	return new CommandError(`no Docker engine answers at ${socketPath}`, {
		code: "docker-unreachable",
		exitCode: exitCodes.failed,
		next: "start Docker, or look at its socket's permissions",
		cause,
	});
}

function refused(call: EngineCall, text: string): CommandError {
	return new CommandError(`the Docker engine refused ${call.method} ${call.path}: ${text.slice(0, 500)}`, {
		code: "docker-refused",
		exitCode: exitCodes.failed,
		next: "davit start --demo-remove, then try again",
	});
}
