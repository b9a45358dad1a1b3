import type { IncomingMessage, ServerResponse } from "node:http";
import {
	JoinDocument,
	OperationError,
	PrincipalName,
	RecoveryKitDocument,
	RescanDocument,
} from "@davit/protocol";
import { act } from "./acts.ts";
import type { Assets } from "./assets.ts";
import type { Doors } from "./doors.ts";
import { answerAtDoor, notEntered } from "./entrance.ts";
import { type Door, type Exchange, readForm, readTarget } from "./exchange.ts";
import { findFarLook } from "./far-looks.ts";
import { checkFormToken, checkHost, checkOrigin } from "./guard.ts";
import type { LiveViews } from "./live.ts";
import { findLook } from "./looks.ts";
import type { Page } from "./page.ts";
import { invitedPage } from "./pages/hosts.ts";
import { refusalPage } from "./pages/notices.ts";
import { planPage } from "./pages/plan.ts";
import { rescannedPage } from "./pages/rescanned.ts";
import { answerToProbe } from "./probes.ts";
import { type Body, readBody } from "./read-body.ts";
import { errorDocument, Refusal, statusOf } from "./refusal.ts";
import { sendDocument, sendEvents, sendOn, sendText } from "./send.ts";
import { sendPage } from "./send-page.ts";
import type { ServerOptions } from "./server.ts";
import { streamDocument } from "./stream-document.ts";

export interface AnswerContext extends ServerOptions {
	readonly doors: Doors;
	readonly assets: Assets;
	readonly live: LiveViews;
	readonly makePageLink: () => string;
	/** Only this machine reaches the port. */
	readonly isLocal: boolean;
	/** What the server goes by, and which of it others may put in front of it. */
	readonly names: ReadonlySet<string>;
	readonly proxyNames: ReadonlySet<string>;
}

export interface Call {
	readonly request: IncomingMessage;
	readonly response: ServerResponse;
	readonly door: Door;
	readonly closing: AbortSignal;
}

/** Answers one request, whatever it holds; never throws. */
export function answer(call: Call, context: AnswerContext): void {
	answerOrThrow(call, context)
		.catch((error: unknown) => refuse(error, call, context))
		.catch((error: unknown) => {
			context.log.error({ error }, "a refusal could not be sent");
			call.response.destroy();
		});
}

async function answerOrThrow(call: Call, context: AnswerContext): Promise<void> {
	const { request, door } = call;
	const target = readTarget(request.url ?? "");
	if (door === "tcp") checkHost(request, context.names);
	const session = context.doors.find(request.headers.cookie);
	if (await answerToProbe(call, target.path, { context, session })) return;
	if (door === "tcp" && (await answerAtDoor(call, target, context))) return;
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
	else throw new Refusal(405, `${request.method} is nothing one can do here: look with GET, act with POST`);
}

async function show(call: Call, exchange: Exchange, context: AnswerContext): Promise<void> {
	const { path, query, form, signal } = exchange;
	if (path.length === 1 && path[0] === "live") return showLive(call, exchange, context);
	const far = await findFarLook(context.desk, exchange);
	if (far !== undefined) {
		if (form !== "page") return sendDocument(call, { status: 200, document: far.document });
		const page = far.render({ root: exchange.root, query, now: context.now() });
		return sendPage(call, { exchange, page, status: 200 }, context);
	}
	const look = findLook(context.desk, path, query);
	if (form === "events") {
		// Read once before the headers go out, so that what does not exist is a 404.
		look.read();
		return sendEvents(call.response, streamDocument({ look, desk: context.desk }, signal), signal);
	}
	if (form === "document") return sendDocument(call, { status: 200, document: look.read() });
	if (look.elsewhere !== undefined) return sendOn(call.response, `${exchange.root}${look.elsewhere()}`);
	const page = look.render({ root: exchange.root, query, now: context.now() });
	return sendPage(call, { exchange, page, status: 200 }, context);
}

async function showLive(
	call: Call,
	{ query, formToken, signal }: Exchange,
	context: AnswerContext,
): Promise<void> {
	const view = query.get("view") ?? "/";
	const version = call.request.headers["last-event-id"] ?? query.get("version") ?? undefined;
	const isOfThisBuild = (query.get("build") ?? context.assets.build) === context.assets.build;
	const viewer = { formToken, version: typeof version === "string" ? version : undefined, signal };
	const events = isOfThisBuild ? context.live.follow(view, viewer) : reload();
	const first = await events.next();
	if (signal.aborted) {
		// Who went away meanwhile is no viewer any more.
		await events.return(undefined);
		return;
	}
	return sendEvents(call.response, following(first, events), signal);
}

/** Carries out what was posted; a browser is sent on to what came of it. */
async function carryOut(call: Call, exchange: Exchange, context: AnswerContext): Promise<void> {
	const { path, door, root, form } = exchange;
	if (door === "tcp") checkOrigin(call.request, context.proxyNames);
	const body = await readBody(call.request);
	if (door === "tcp") checkFormToken(tokenOf(call.request, body), exchange.formToken);
	if (door === "socket" && path.length === 1 && path[0] === "page-link") {
		return sendDocument(call, { status: 201, document: { url: context.makePageLink() } });
	}
	try {
		const { status, document, next } = await act({ desk: context.desk, exchange, body });
		if (form !== "page") return await sendDocument(call, { status, document });
		const kit = RecoveryKitDocument.safeParse(document);
		if (kit.success) return await sendKit(call, kit.data);
		const page = shownOnce(document, root, context);
		if (page === undefined) return sendOn(call.response, `${root}${next}`);
		return await sendPage(call, { exchange, page, status }, context);
	} catch (error) {
		const [place, id = "", verb] = path;
		const isRefusedApply = form === "page" && place === "plans" && verb === "apply";
		if (!isRefusedApply || !(error instanceof OperationError) || statusOf(error) === 404) throw error;
		// Refused in the same place as the button, above the plan that it was pressed under.
		const frame = { root, query: exchange.query, now: context.now() };
		const page = planPage(context.desk.plan(id), frame, `${error.message}: ${error.hint}`);
		return sendPage(call, { exchange, page, status: statusOf(error) }, context);
	}
}

/** What an act answers that is on no page afterwards; undefined where there is a page to be sent on to. */
function shownOnce(document: unknown, root: string, { desk, now }: AnswerContext): Page | undefined {
	const invitation = JoinDocument.safeParse(document);
	if (invitation.success) {
		const query = new URLSearchParams({ waiting: invitation.data.host });
		const hosts = findLook(desk, ["hosts"], query).render({ root, query, now: now() });
		return invitedPage(hosts, invitation.data);
	}
	const rescanned = RescanDocument.safeParse(document);
	if (!rescanned.success) return undefined;
	const query = new URLSearchParams();
	const host = findLook(desk, ["hosts", rescanned.data.host], query).render({ root, query, now: now() });
	return rescannedPage(host, rescanned.data, root);
}

/** To be saved, not shown: the key in it is on no page. */
function sendKit(call: Call, { number, html }: RecoveryKitDocument): Promise<void> {
	const headers = { "content-disposition": `attachment; filename="davit-recovery-kit-${number}.html"` };
	return sendText(call, { status: 200, type: "text/html; charset=utf-8", text: html, headers });
}

async function refuse(error: unknown, call: Call, context: AnswerContext): Promise<void> {
	const status = statusOf(error);
	const { request, response, door } = call;
	if (status === 500)
		context.log.error({ error, method: request.method, url: request.url }, "a request met a defect");
	if (response.headersSent || response.destroyed) {
		response.destroy();
		return;
	}
	// What is left of a request that was not read through is not waited for.
	if (!request.complete) response.setHeader("connection", "close");
	const document = errorDocument(error);
	if (readForm(request.headers.accept) !== "page") return sendDocument(call, { status, document });
	const root = rootOf(request.url ?? "");
	const exchange = { root, formToken: "", door };
	const frame = { root, query: new URLSearchParams(), now: context.now() };
	const isOutside = context.doors.find(request.headers.cookie) === undefined && door === "tcp";
	return sendPage(call, { exchange, page: refusalPage(document, frame), status, isOutside }, context);
}

async function* reload(): AsyncGenerator<string> {
	yield "event: reload\ndata:\n\n";
}

/** The first event was asked for before the headers went out, so that an address that shows nothing is a 404. */
async function* following(
	first: IteratorResult<string>,
	rest: AsyncGenerator<string>,
): AsyncGenerator<string> {
	try {
		if (!first.done) yield first.value;
		yield* rest;
	} finally {
		await rest.return(undefined);
	}
}

function tokenOf(request: IncomingMessage, { content }: Body): unknown {
	const header = request.headers["x-davit-token"];
	if (header !== undefined || typeof content !== "object" || content === null) return header;
	return "token" in content ? content.token : undefined;
}

/** Of an address that perhaps cannot be read. */
function rootOf(target: string): string {
	const depth = (target.split("?")[0] ?? "").split("/").length - 2;
	return depth < 1 ? "./" : "../".repeat(depth);
}

/** Ends when the asker goes away or the server closes. */
function endOf({ response, closing }: Call): AbortSignal {
	const gone = new AbortController();
	response.once("close", () => gone.abort());
	return AbortSignal.any([gone.signal, closing]);
}
