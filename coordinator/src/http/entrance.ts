import { OperationError } from "@davit/protocol";
import type { AnswerContext, Call } from "./answer.ts";
import { cookieHeader } from "./doors.ts";
import { type Exchange, readForm } from "./exchange.ts";
import { checkOrigin } from "./guard.ts";
import { doorPage, enteredPage } from "./pages/notices.ts";
import { readBody } from "./read-body.ts";
import { errorDocument, Refusal, statusOf } from "./refusal.ts";
import { sendPage } from "./send-page.ts";

type Target = Pick<Exchange, "path" | "query" | "root">;

/** Lets a browser in, by a one-time link or by the password, and shows the door to one that is not in yet. */
export async function answerAtDoor(call: Call, target: Target, context: AnswerContext): Promise<boolean> {
	const isDoor = target.path.length === 1 && target.path[0] === "door";
	if (isDoor) {
		try {
			await enter(call, target, context);
		} catch (error) {
			if (!(error instanceof OperationError) || !asksForPage(call)) throw error;
			await showDoor(call, target, { context, refusal: error });
		}
		return true;
	}
	const isIn = context.doors.find(call.request.headers.cookie) !== undefined;
	if (isIn || call.request.method !== "GET" || !asksForPage(call)) return false;
	await showDoor(call, target, { context, refusal: undefined });
	return true;
}

export function notEntered(): Refusal {
	return new Refusal(401, "nobody has come in with this browser yet", {
		code: "not-allowed",
		hint: "open the link that davit start printed, or make another: davit page",
	});
}

async function enter(call: Call, { query, root }: Target, context: AnswerContext): Promise<void> {
	const { request, response } = call;
	const key = query.get("key");
	if (request.method === "GET" && key === null) {
		return showDoor(call, { path: [], query, root }, { context, refusal: undefined });
	}
	if (request.method !== "GET" && request.method !== "POST")
		throw new Refusal(405, "a door is opened with GET or POST");
	const session =
		request.method === "GET" ? context.doors.enterByKey(key ?? "") : await enterByPassword(call, context);
	response.setHeader("set-cookie", cookieHeader(session));
	const frame = { root, query, now: context.now() };
	const exchange = { root, formToken: "", door: call.door };
	return sendPage(
		call,
		{ exchange, page: enteredPage(frame), status: 200, isOutside: true, goesOn: true },
		context,
	);
}

async function enterByPassword({ request }: Call, { doors, proxyNames }: AnswerContext) {
	checkOrigin(request, proxyNames);
	const { content } = await readBody(request);
	const password =
		typeof content === "object" && content !== null && "password" in content ? content.password : "";
	return doors.enterByPassword(typeof password === "string" ? password : "");
}

function showDoor(
	call: Call,
	{ root, query }: Target,
	{ context, refusal }: { context: AnswerContext; refusal: OperationError | undefined },
): Promise<void> {
	const frame = { root, query, now: context.now() };
	const page = doorPage(
		{
			hasPassword: context.doors.hasPassword,
			...(refusal === undefined ? {} : { refusal: errorDocument(refusal) }),
		},
		frame,
	);
	const exchange = { root, formToken: "", door: call.door };
	const status = refusal === undefined ? 401 : statusOf(refusal);
	return sendPage(call, { exchange, page, status, isOutside: true }, context);
}

function asksForPage({ request }: Call): boolean {
	return readForm(request.headers.accept) === "page";
}
