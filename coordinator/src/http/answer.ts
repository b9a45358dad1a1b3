import type { IncomingMessage, ServerResponse } from "node:http";
import { PrincipalName } from "@davit/protocol";
import { act } from "./acts.ts";
import type { Doors, Session } from "./doors.ts";
import { type Door, type Exchange, readForm, readTarget } from "./exchange.ts";
import { checkFormToken, checkHost, checkOrigin } from "./guard.ts";
import { findLook } from "./looks.ts";
import { fleetMetrics, renderMetrics } from "./metrics.ts";
import { type Body, readBody } from "./read-body.ts";
import { errorDocument, Refusal, statusOf } from "./refusal.ts";
import { sendDocument, sendEvents, sendText } from "./send.ts";
import type { ServerOptions } from "./server.ts";
import { streamDocument } from "./stream-document.ts";

export interface AnswerContext extends ServerOptions {
	readonly doors: Doors;
	readonly makePageLink: () => string;
	/** Only this machine reaches the port. */
	readonly isLocal: boolean;
	readonly names: ReadonlySet<string>;
}

interface Call {
	readonly request: IncomingMessage;
	readonly response: ServerResponse;
	readonly door: Door;
	readonly closing: AbortSignal;
}

/** Answers one request, whatever it holds; never throws. */
export function answer(call: Call, context: AnswerContext): void {
	answerOrThrow(call, context).catch(async (error: unknown) => {
		const status = statusOf(error);
		if (status === 500) context.log.error({ error, url: call.request.url }, "a request met a defect");
		if (call.response.headersSent) return call.response.destroy();
		// What is left of the request is not read any more.
		call.response.setHeader("connection", "close");
		return sendDocument(call, { status, document: errorDocument(error) });
	});
}

async function answerOrThrow(call: Call, context: AnswerContext): Promise<void> {
	const { request, door } = call;
	const target = readTarget(request.url ?? "");
	if (door === "tcp") checkHost(request, context.names);
	const session = context.doors.find(request.headers.cookie);
	if (await answerToProbe(call, target.path, { context, session })) return;
	if (door === "tcp" && session === undefined) throw notEntered();
	const exchange: Exchange = {
		...target,
		request,
		door,
		principal: PrincipalName.parse(door === "socket" ? "cli" : "page"),
		form: readForm(request.headers.accept),
		formToken: session?.formToken ?? "",
		signal: endOf(call),
	};
	if (request.method === "GET" || request.method === "HEAD") await show(call, exchange, context);
	else if (request.method === "POST") await carryOut(call, exchange, context);
	else
		throw new Refusal(
			405,
			`${request.method} is not something one can do here; look with GET, act with POST`,
		);
}

async function show(call: Call, exchange: Exchange, context: AnswerContext): Promise<void> {
	const look = findLook(context.desk, exchange.path, exchange.query);
	if (exchange.form === "events") {
		const events = streamDocument({ look, desk: context.desk }, exchange.signal);
		// Read once before the headers go out, so that what does not exist is a 404.
		look.read();
		return sendEvents(call.response, events, exchange.signal);
	}
	return sendDocument(call, { status: 200, document: look.read() });
}

async function carryOut(call: Call, exchange: Exchange, context: AnswerContext): Promise<void> {
	if (exchange.door === "tcp") checkOrigin(call.request, context.names);
	const body = await readBody(call.request);
	if (exchange.door === "tcp") checkFormToken(tokenOf(call.request, body), exchange.formToken);
	if (exchange.path.length === 1 && exchange.path[0] === "page-link" && exchange.door === "socket") {
		return sendDocument(call, { status: 201, document: { url: context.makePageLink() } });
	}
	const { status, document } = await act({ desk: context.desk, exchange, body });
	return sendDocument(call, { status, document });
}

/** What programs ask: `/healthz` of anybody, `/metrics` of this machine or of who is logged in. */
async function answerToProbe(
	call: Call,
	[place, ...rest]: readonly string[],
	{ context, session }: { context: AnswerContext; session: Session | undefined },
): Promise<boolean> {
	if (rest.length > 0 || (call.request.method !== "GET" && call.request.method !== "HEAD")) return false;
	if (place === "healthz") {
		const broker = context.desk.status().broker.connected;
		const history = context.isHistoryWritable();
		const document = { ok: broker && history, broker, history };
		await sendDocument(call, { status: document.ok ? 200 : 503, document });
		return true;
	}
	if (place !== "metrics") return false;
	if (call.door === "tcp" && !context.isLocal && session === undefined) throw notEntered();
	const metrics = [...fleetMetrics(context.desk, context.now()), ...(context.metrics?.() ?? [])];
	const type = "text/plain; version=0.0.4; charset=utf-8";
	await sendText(call, { status: 200, type, text: renderMetrics(metrics) });
	return true;
}

function tokenOf(request: IncomingMessage, { content }: Body): unknown {
	const header = request.headers["x-davit-token"];
	if (header !== undefined || typeof content !== "object" || content === null) return header;
	return "token" in content ? content.token : undefined;
}

function notEntered(): Refusal {
	return new Refusal(401, "nobody has come in with this browser yet", {
		code: "not-allowed",
		hint: "open the link that davit start printed, or make another: davit page",
	});
}

/** Ends when the asker goes away or the server closes. */
function endOf({ response, closing }: Call): AbortSignal {
	const gone = new AbortController();
	response.once("close", () => gone.abort());
	return AbortSignal.any([gone.signal, closing]);
}
