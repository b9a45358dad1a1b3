import type { IncomingMessage } from "node:http";
import { answeredError, CommandError, exitCodes } from "../command-error.ts";
import { type DocumentOf, isDocument, isRecord, type Schema } from "./answers.ts";
import { socketPath } from "./socket.ts";

// An import of node:http by name reads all of its exports, and with them loads the whole fetch client: 12 MB in a program that
// never fetches.
const { request } = process.getBuiltinModule("node:http");

export interface Call {
	readonly method: "GET" | "POST";
	readonly path: string;
	readonly body?: unknown;
}

interface Caller {
	readonly home: string;
	readonly signal: AbortSignal;
}

/**
 * Asks the coordinator on this machine for one document.
 * @throws CommandError with the coordinator's own refusal, or coordinator-unreachable
 */
export async function callFor<Name extends Schema>(
	schema: Name,
	call: Call,
	caller: Caller,
): Promise<DocumentOf<Name>> {
	const answer = await callRaw(call, caller);
	if (isDocument(answer, schema)) return answer;
	const given = isRecord(answer) ? JSON.stringify(answer["schema"]) : typeof answer;
	throw new CommandError(
		`the coordinator answered ${call.method} ${call.path} with ${given} instead of ${schema}`,
		{
			code: "unsupported",
			exitCode: exitCodes.blocked,
			next: "upgrade the older of the two, then davit start again",
		},
	);
}

/** The JSON that the coordinator answers; an error document is thrown. */
export async function callRaw(call: Call, caller: Caller): Promise<unknown> {
	const response = await send(call, caller, "application/json");
	const text = await readText(response, call);
	const answer = parseAnswer(text, { call, status: response.statusCode ?? 0 });
	if (isDocument(answer, "davit/error/1")) throw answeredError(answer);
	if ((response.statusCode ?? 500) >= 400) throw unreadable(call, `status ${response.statusCode}`);
	return answer;
}

/** Sends a call and answers as soon as the head of the response is there. */
export function send(call: Call, { home, signal }: Caller, accept: string): Promise<IncomingMessage> {
	const body = call.body === undefined ? undefined : JSON.stringify(call.body);
	return new Promise((resolve, reject) => {
		const outgoing = request(
			{
				socketPath: socketPath(home),
				path: call.path,
				method: call.method,
				agent: false,
				signal,
				headers: {
					host: "localhost",
					accept,
					...(body === undefined
						? {}
						: { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
				},
			},
			resolve,
		);
		outgoing.on("error", (error) => reject(signal.aborted ? signal.reason : unreachable(home, error)));
		outgoing.end(body);
	});
}

export function unreachable(home: string, cause: unknown): CommandError {
	const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
	const forbidden = code === "EACCES" || code === "EPERM";
	return new CommandError(
		forbidden
			? `this user may not open ${socketPath(home)}`
			: `no coordinator answers at ${socketPath(home)}`,
		{
			code: forbidden ? "not-allowed" : "coordinator-unreachable",
			exitCode: forbidden ? exitCodes.notAllowed : exitCodes.unreachable,
			why: [
				forbidden
					? "who can open it is the operator: the user that runs davit start, or root"
					: `DAVIT_HOME is ${home}${code === "" ? "" : ` (${code})`}`,
			],
			next: forbidden ? "run it as the user that runs davit start" : "davit start",
			cause,
		},
	);
}

async function readText(response: IncomingMessage, call: Call): Promise<string> {
	response.setEncoding("utf8");
	let text = "";
	try {
		for await (const chunk of response) text += String(chunk);
	} catch (error) {
		throw unreadable(call, "the connection broke", error);
	}
	return text;
}

function parseAnswer(text: string, { call, status }: { call: Call; status: number }): unknown {
	if (text === "" && status < 400) return undefined;
	try {
		return JSON.parse(text);
	} catch (error) {
		throw unreadable(call, `status ${status}, not JSON`, error);
	}
}

function unreadable(call: Call, what: string, cause?: unknown): CommandError {
	return new CommandError(`the coordinator's answer to ${call.method} ${call.path} cannot be read: ${what}`, {
		code: "coordinator-unreachable",
		exitCode: exitCodes.unreachable,
		next: "look at the coordinator's log, then try again",
		cause,
	});
}
