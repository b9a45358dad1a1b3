import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import { Refusal } from "./refusal.ts";

const linkMs = 10 * 60_000;
const sessionMs = 30 * 24 * 3_600_000;
const cookieName = "davit";
const attemptsPerMinute = 10;

export interface DoorOptions {
	readonly password?: string | undefined;
	/** Keeps sessions over a restart when it is kept; 32 bytes. */
	readonly sessionKey?: Uint8Array | undefined;
	readonly now: () => number;
}

/** A session's cookie, and the token that its forms carry. */
export interface Session {
	readonly cookie: string;
	readonly formToken: string;
}

/** How a browser gets in: a one-time link, or a password where one is set. Sessions are signed cookies, good for 30 days. */
export interface Doors {
	readonly hasPassword: boolean;
	/** A key for one entrance within 10 minutes. */
	makeKey(): string;
	/** @throws Refusal 403 when the key is wrong, used or too old */
	enterByKey(key: string): Session;
	/** @throws Refusal 403 when it is wrong, 429 after ten attempts in a minute */
	enterByPassword(password: string): Promise<Session>;
	/** The session of a `Cookie` header. */
	find(cookies: string | undefined): Session | undefined;
}

export async function openDoors({ password, sessionKey, now }: DoorOptions): Promise<Doors> {
	const key = Buffer.from(sessionKey ?? randomBytes(32));
	const salt = randomBytes(16);
	const expected = password === undefined ? undefined : await hashPassword(password, salt);
	const links = new Map<string, number>();
	let attempts: number[] = [];

	const sign = (text: string) => createHmac("sha256", key).update(text).digest("base64url");
	const sessionOf = (cookie: string) => ({ cookie, formToken: sign(`form ${cookie}`) });
	const enter = () => {
		const ticket = `${now() + sessionMs}.${randomBytes(16).toString("base64url")}`;
		return sessionOf(`${ticket}.${sign(`session ${ticket}`)}`);
	};

	return {
		hasPassword: expected !== undefined,
		makeKey() {
			for (const [link, until] of links) if (until < now()) links.delete(link);
			const link = randomBytes(24).toString("base64url");
			links.set(link, now() + linkMs);
			return link;
		},
		enterByKey(link) {
			const until = links.get(link);
			links.delete(link);
			if (until !== undefined && now() <= until) return enter();
			throw new Refusal(403, "this link was used before, or is older than 10 minutes", {
				code: "not-allowed",
				hint: "make another on the coordinator's machine: davit page",
			});
		},
		async enterByPassword(given) {
			attempts = attempts.filter((at) => at > now() - 60_000);
			if (attempts.length >= attemptsPerMinute) {
				throw new Refusal(429, "there were ten attempts at the password within a minute", {
					code: "not-allowed",
					hint: "wait a minute, then try again",
				});
			}
			attempts.push(now());
			const isRight = expected !== undefined && timingSafeEqual(await hashPassword(given, salt), expected);
			if (isRight) return enter();
			throw new Refusal(403, "the password is not the one of this page", {
				code: "not-allowed",
				hint: "it stands in the coordinator's configuration, under http.password",
			});
		},
		find(cookies) {
			const cookie = readCookie(cookies);
			if (cookie === undefined) return undefined;
			const [until = "", nonce = "", signature = ""] = cookie.split(".");
			if (!isSame(signature, sign(`session ${until}.${nonce}`)) || Number(until) < now()) return undefined;
			return sessionOf(cookie);
		},
	};
}

/** Strict and unreadable for scripts; without `Secure`, because the page may be served on plain HTTP. */
export function cookieHeader({ cookie }: Session): string {
	return `${cookieName}=${cookie}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${sessionMs / 1000}`;
}

/** Compared in constant time. */
export function isSame(given: string, expected: string): boolean {
	const [left, right] = [Buffer.from(given), Buffer.from(expected)];
	return left.byteLength === right.byteLength && timingSafeEqual(left, right);
}

function readCookie(cookies: string | undefined): string | undefined {
	const found = cookies?.split(";").find((pair) => pair.trim().startsWith(`${cookieName}=`));
	return found?.trim().slice(cookieName.length + 1);
}

const derive = promisify<string, Buffer, number, Buffer>(scrypt);

function hashPassword(password: string, salt: Buffer): Promise<Buffer> {
	return derive(password.normalize("NFC").slice(0, 1024), salt, 32);
}
