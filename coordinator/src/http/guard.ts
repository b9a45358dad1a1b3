import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import { isSame } from "./doors.ts";
import { Refusal } from "./refusal.ts";

/**
 * Refuses a request for a name this server does not go by: a foreign site that points its own name at this address (DNS
 * rebinding) gets nothing. Bare addresses and `localhost` cannot be rebound.
 * @throws Refusal 421
 */
export function checkHost(request: IncomingMessage, names: ReadonlySet<string>): void {
	const host = hostnameOf(`http://${request.headers.host ?? ""}`);
	if (host !== undefined && (host === "localhost" || isAddress(host) || names.has(host))) return;
	throw new Refusal(421, "this page does not go by the name it was asked for", {
		code: "not-allowed",
		hint: "add the name to http.names in the coordinator's configuration, or use the address",
	});
}

/**
 * Refuses what another site made a browser send; another port of this machine is another site. A proxy may have changed the
 * `Host`, so the names it serves are given.
 * @throws Refusal 403
 */
export function checkOrigin(request: IncomingMessage, proxyNames: ReadonlySet<string>): void {
	const { origin, host } = request.headers;
	const site = request.headers["sec-fetch-site"];
	if (site !== undefined && site !== "same-origin") throw foreign();
	if (origin === undefined) return;
	const isOwn = URL.canParse(origin) && new URL(origin).host === host?.toLowerCase();
	if (!isOwn && !proxyNames.has(hostnameOf(origin) ?? "")) throw foreign();
}

/** @throws Refusal 403 where the form was not made by this server for this session */
export function checkFormToken(given: unknown, expected: string): void {
	if (typeof given === "string" && isSame(given, expected)) return;
	throw new Refusal(403, "the form is from another session, so nothing was done", {
		code: "not-allowed",
		hint: "reload the page and press again",
	});
}

function foreign(): Refusal {
	return new Refusal(403, "another site asked for this, so nothing was done", {
		code: "not-allowed",
		hint: "press the button on Davit's own page",
	});
}

function hostnameOf(url: string): string | undefined {
	return URL.canParse(url) ? new URL(url).hostname.toLowerCase() : undefined;
}

function isAddress(hostname: string): boolean {
	return isIP(hostname.replace(/^\[|\]$/g, "")) !== 0;
}
