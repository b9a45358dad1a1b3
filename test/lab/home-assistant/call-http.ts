export type HttpAnswer = { readonly status: number; readonly body: unknown };

/** `body` is sent as JSON, or as a form where it is URLSearchParams. Answers whatever the status is. */
export type CallHttp = (method: string, path: string, body?: unknown) => Promise<HttpAnswer>;

export function openHttp(url: string, token: string | undefined, signal: AbortSignal): CallHttp {
	return async (method, path, body) => {
		const form = body instanceof URLSearchParams;
		const headers = {
			...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
			...(body === undefined || form ? {} : { "content-type": "application/json" }),
		};
		const sent = body === undefined ? {} : { body: form ? body : JSON.stringify(body) };
		const limit = AbortSignal.any([signal, AbortSignal.timeout(30_000)]);
		const response = await fetch(url + path, { method, headers, signal: limit, ...sent });
		return { status: response.status, body: parseBody(await response.text()) };
	};
}

/** Home Assistant answers most calls in JSON and some failures in plain text. */
function parseBody(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		if (error instanceof SyntaxError) return text;
		throw error;
	}
}

/** The body of an answer that says it went well. @throws Error with status and body otherwise. */
export async function expectOk(call: Promise<HttpAnswer>, what: string): Promise<unknown> {
	const { status, body } = await call;
	if (status !== 200 && status !== 201)
		throw new Error(`Home Assistant, ${what}: ${status} ${JSON.stringify(body)}`);
	return body;
}
