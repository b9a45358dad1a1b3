import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, type RequestOptions, request } from "node:http";
import { text } from "node:stream/consumers";
import type { OpenPage } from "./open-page.ts";

export interface Answer {
	readonly status: number;
	readonly headers: IncomingHttpHeaders;
	readonly text: string;
	/** The text as JSON, loosely typed: tests look into it. */
	readonly document: Readonly<Record<string, unknown>>;
}

interface Asked {
	readonly method?: string;
	readonly headers?: Readonly<Record<string, string>>;
	/** An object goes as JSON, a string as it is. */
	readonly body?: string | Buffer | object;
	readonly on?: "socket" | "tcp";
}

/** Asks the server with exactly these headers, which `fetch` would not let through. */
export async function ask(page: OpenPage, path: string, asked: Asked = {}): Promise<Answer> {
	const response = await open(page, path, asked);
	const body = await text(response);
	const document = body.startsWith("{") ? JSON.parse(body) : {};
	return { status: response.statusCode ?? 0, headers: response.headers, text: body, document };
}

/** The response as soon as its head is there. */
export async function open(page: OpenPage, path: string, asked: Asked = {}): Promise<IncomingMessage> {
	const { method = asked.body === undefined ? "GET" : "POST", body, on = "socket" } = asked;
	const where: RequestOptions =
		on === "socket" ? { socketPath: page.socketPath } : { host: "127.0.0.1", port: page.server.port };
	const isJson = typeof body === "object" && !Buffer.isBuffer(body);
	const outgoing = request({
		...where,
		path,
		method,
		agent: false,
		headers: { ...(isJson ? { "content-type": "application/json" } : {}), ...asked.headers },
	});
	outgoing.end(isJson ? JSON.stringify(body) : body);
	const [response] = await once(outgoing, "response");
	return response;
}

/** What a logged-in browser sends with a form of its own page. */
export async function browserOf(page: OpenPage) {
	const cookie = await page.enter();
	const headers = { cookie, accept: "text/html", "sec-fetch-site": "same-origin" };
	const overview = await ask(page, "/", { on: "tcp", headers });
	const token = /name="token" value="([^"]+)"/.exec(overview.text)?.[1] ?? "";
	const post = (
		path: string,
		fields: Readonly<Record<string, string>>,
		more: Readonly<Record<string, string>> = {},
	) =>
		ask(page, path, {
			on: "tcp",
			method: "POST",
			headers: { ...headers, "content-type": "application/x-www-form-urlencoded", ...more },
			body: new URLSearchParams({ token, ...fields }).toString(),
		});
	const get = (path: string, more: Readonly<Record<string, string>> = {}) =>
		ask(page, path, { on: "tcp", headers: { ...headers, ...more } });
	return { cookie, token, headers, post, get };
}
