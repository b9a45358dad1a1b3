import type { IncomingMessage } from "node:http";
import { Refusal } from "./refusal.ts";

const maximumBodyBytes = 64 * 1024;

export type Body =
	| { readonly kind: "json"; readonly content: unknown }
	| { readonly kind: "form"; readonly content: Readonly<Record<string, string>> };

/** The body of a POST: JSON or a form, at most 64 KiB. An empty one is an empty form. @throws Refusal 400 | 413 | 415 */
export async function readBody(request: IncomingMessage): Promise<Body> {
	const declared = Number(request.headers["content-length"] ?? 0);
	if (declared > maximumBodyBytes) throw tooLarge();
	const chunks: Buffer[] = [];
	let bytes = 0;
	// Leaving the loop must not destroy the request: its connection carries the answer.
	for await (const chunk of request.iterator({ destroyOnReturn: false })) {
		// An http request without an encoding set yields Buffers.
		const part = chunk as Buffer;
		bytes += part.byteLength;
		if (bytes > maximumBodyBytes) throw tooLarge();
		chunks.push(part);
	}
	return parseBody(Buffer.concat(chunks), request.headers["content-type"] ?? "");
}

function parseBody(bytes: Buffer, contentType: string): Body {
	const type = contentType.split(";")[0]?.trim().toLowerCase();
	if (bytes.byteLength === 0) return { kind: type === "application/json" ? "json" : "form", content: {} };
	if (type === "application/json") return { kind: "json", content: parseJson(decodeText(bytes)) };
	if (type === "application/x-www-form-urlencoded") {
		return { kind: "form", content: Object.fromEntries(new URLSearchParams(decodeText(bytes))) };
	}
	throw new Refusal(415, "a body is application/json or a form, this one is neither", {
		hint: "send Content-Type: application/json",
	});
}

function decodeText(bytes: Buffer): string {
	try {
		return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
	} catch (error) {
		throw malformed("the body is not UTF-8", error);
	}
}

function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		throw malformed("the body is not JSON", error);
	}
}

function malformed(message: string, cause: unknown): Refusal {
	return new Refusal(400, message, { cause, hint: "see docs/cli.md for what each address takes" });
}

function tooLarge(): Refusal {
	return new Refusal(413, "the body is larger than 64 KiB", { hint: "nothing Davit takes is that large" });
}
