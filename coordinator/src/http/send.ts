import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

const compress = promisify(gzip);
const smallestCompressedBytes = 1024;

/** On every answer: no other site, no frame, no sniffing, nothing kept. */
const securityHeaders = {
	"content-security-policy": [
		"default-src 'none'",
		"script-src 'self'",
		"style-src 'self'",
		"img-src 'self' data:",
		"connect-src 'self'",
		"form-action 'self'",
		"base-uri 'none'",
		"frame-ancestors 'self'",
	].join("; "),
	"cross-origin-opener-policy": "same-origin",
	"cross-origin-resource-policy": "same-origin",
	"permissions-policy": "camera=(), geolocation=(), microphone=()",
	// Not `no-referrer`: with it browsers send `Origin: null` with the page's own forms.
	"referrer-policy": "same-origin",
	"x-content-type-options": "nosniff",
	"x-frame-options": "SAMEORIGIN",
} as const;

export interface TextAnswer {
	readonly status: number;
	readonly type: string;
	readonly text: string;
	readonly headers?: Readonly<Record<string, string>> | undefined;
}

/** Sends a text, compressed where the asker takes it and it pays. */
export async function sendText(
	{ request, response }: { request: IncomingMessage; response: ServerResponse },
	{ status, type, text, headers }: TextAnswer,
): Promise<void> {
	const plain = Buffer.from(text);
	const takesGzip = /\bgzip\b/.test(String(request.headers["accept-encoding"] ?? ""));
	const isCompressed = takesGzip && plain.byteLength >= smallestCompressedBytes;
	const bytes = isCompressed ? await compress(plain) : plain;
	if (response.destroyed) return;
	response.writeHead(status, {
		...securityHeaders,
		"cache-control": "no-store",
		"content-type": type,
		"content-length": bytes.byteLength,
		vary: "accept, accept-encoding",
		...(isCompressed ? { "content-encoding": "gzip" } : {}),
		...headers,
	});
	response.end(bytes);
}

export function sendDocument(
	call: { request: IncomingMessage; response: ServerResponse },
	{ status, document }: { status: number; document: unknown },
): Promise<void> {
	return sendText(call, {
		status,
		type: "application/json; charset=utf-8",
		text: `${JSON.stringify(document)}\n`,
	});
}

/** Sends events as they come, until the asker goes away or they end, which they do when `signal` says so. */
export async function sendEvents(
	response: ServerResponse,
	events: AsyncIterable<string>,
	signal: AbortSignal,
): Promise<void> {
	response.writeHead(200, {
		...securityHeaders,
		"cache-control": "no-store, no-transform",
		"content-type": "text/event-stream; charset=utf-8",
		"x-accel-buffering": "no",
	});
	response.flushHeaders();
	try {
		await pipeline(events, response);
	} catch (error) {
		// The asker went away: that is how most streams end.
		if (!signal.aborted && !response.destroyed) throw error;
	}
}

/** Sends a browser on with GET after its form was taken. */
export function sendOn(response: ServerResponse, location: string): void {
	response.writeHead(303, { ...securityHeaders, "cache-control": "no-store", location });
	response.end();
}
