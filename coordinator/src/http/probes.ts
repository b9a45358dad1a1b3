import type { AnswerContext, Call } from "./answer.ts";
import type { Session } from "./doors.ts";
import { notEntered } from "./entrance.ts";
import { fleetMetrics, renderMetrics } from "./metrics.ts";
import { Refusal } from "./refusal.ts";
import { sendDocument, sendText } from "./send.ts";

/** What programs ask: `/healthz` of anybody, `/metrics` of this machine or of who is logged in, and the page's own files. */
export async function answerToProbe(
	call: Call,
	[place, ...rest]: readonly string[],
	{ context, session }: { context: AnswerContext; session: Session | undefined },
): Promise<boolean> {
	if (call.request.method !== "GET" && call.request.method !== "HEAD") return false;
	if (place === "healthz" && rest.length === 0) await sendHealth(call, context);
	else if (place === "metrics" && rest.length === 0) await sendMetrics(call, { context, session });
	else if (place === "assets") await sendAsset(call, rest, context);
	else return false;
	return true;
}

function sendHealth(call: Call, { desk, isHistoryWritable }: AnswerContext): Promise<void> {
	const broker = desk.status().broker.connected;
	const history = isHistoryWritable();
	const document = { ok: broker && history, broker, history };
	return sendDocument(call, { status: document.ok ? 200 : 503, document });
}

function sendMetrics(
	call: Call,
	{ context, session }: { context: AnswerContext; session: Session | undefined },
): Promise<void> {
	if (call.door === "tcp" && !context.isLocal && session === undefined) throw notEntered();
	const metrics = [...fleetMetrics(context.desk, context.now()), ...(context.metrics?.() ?? [])];
	const type = "text/plain; version=0.0.4; charset=utf-8";
	return sendText(call, { status: 200, type, text: renderMetrics(metrics) });
}

function sendAsset(
	call: Call,
	[build = "", name = ""]: readonly string[],
	{ assets }: AnswerContext,
): Promise<void> {
	const found = assets.find(build, name);
	if (found === undefined)
		throw new Refusal(404, "this file is not one of this Davit's", { hint: "reload the page" });
	const headers = { "cache-control": "public, max-age=31536000, immutable" };
	return sendText(call, { status: 200, ...found, headers });
}
