import type { IncomingMessage } from "node:http";
import type { PrincipalName } from "@davit/protocol";
import { Refusal } from "./refusal.ts";

/** Who can open the socket is the operator; who comes over TCP must have a session. */
export type Door = "socket" | "tcp";

/** What the asker wants to read: a page, the document, or its live form. */
export type Form = "page" | "document" | "events";

/** One request, read and taken apart. */
export interface Exchange {
	readonly request: IncomingMessage;
	readonly door: Door;
	readonly principal: PrincipalName;
	/** The decoded parts of the path; of `/` there are none. */
	readonly path: readonly string[];
	readonly query: URLSearchParams;
	readonly form: Form;
	/** From this URL back to the served root: `./` or `../../`, so that a sub-path works. */
	readonly root: string;
	/** Of the session; forms of the page carry it. */
	readonly formToken: string;
	/** Ends when the asker goes away or the server closes. */
	readonly signal: AbortSignal;
}

/** The parts of a request's target. @throws Refusal 400 where it is not one */
export function readTarget(target: string): Pick<Exchange, "path" | "query" | "root"> {
	if (!target.startsWith("/")) throw new Refusal(400, `an address starts with a slash, this one does not`);
	const end = target.indexOf("?");
	const text = end === -1 ? target.slice(1) : target.slice(1, end);
	const parts = text === "" ? [] : text.split("/");
	return {
		path: parts.map(decode),
		query: new URLSearchParams(end === -1 ? "" : target.slice(end + 1)),
		root: parts.length < 2 ? "./" : "../".repeat(parts.length - 1),
	};
}

/** What an `Accept` header asks for: JSON and live only by name, a page from a browser, the document otherwise. */
export function readForm(accept: string | undefined): Form {
	const wanted = (accept ?? "").toLowerCase();
	if (wanted.includes("text/event-stream")) return "events";
	return wanted.includes("text/html") ? "page" : "document";
}

function decode(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch (error) {
		throw new Refusal(400, "a part of the address is not percent-encoded UTF-8", { cause: error });
	}
}
