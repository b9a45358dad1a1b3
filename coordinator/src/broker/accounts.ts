import { createHmac, randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";
import type { Role } from "./rules.ts";

export interface Account {
	readonly username: string;
	readonly role: Role;
	/** As `hashPassword` wrote it. */
	readonly passwordHash: string;
}

/** Who may connect; the coordinator keeps them in its history. */
export interface Accounts {
	find(username: string): Account | undefined;
}

/** Users that a host cannot be called, because others have them. */
const takenUsernames: ReadonlySet<string> = new Set([
	"coordinator",
	"integration",
	"home-assistant",
	"observer",
]);

export function isUsernameTaken(host: string): boolean {
	return takenUsernames.has(host);
}

// Passwords are 192 random bits, never a person's: one cheap round is enough, and a thousand agents come back in a second.
const cost = { N: 1024, r: 8, p: 1 } as const;
const keyBytes = 32;

const derive = promisify<string | Buffer, Buffer, number, typeof cost, Buffer>(scrypt);

/** A password that nobody chose: 192 random bits in 32 letters, digits, `-` and `_`. */
export function newPassword(): string {
	return randomBytes(24).toString("base64url");
}

/** `scrypt$SALT$HASH` in base64; it needs to be kept as carefully as a short password's would. */
export async function hashPassword(password: string): Promise<string> {
	const salt = randomBytes(16);
	const hash = await derive(password, salt, keyBytes, cost);
	return `scrypt$${salt.toString("base64")}$${hash.toString("base64")}`;
}

/** Checks passwords, and remembers what it found for as long as the account keeps its hash. */
export class PasswordCheck {
	readonly #accounts: Accounts;
	readonly #secret = randomBytes(32);
	/** By user: which password was right for which hash, as a keyed digest. */
	readonly #known = new Map<string, Buffer>();

	constructor(accounts: Accounts) {
		this.#accounts = accounts;
	}

	/** The account, or undefined where the user is unknown or the password wrong; both take the same time. */
	async account(username: string, password: Buffer): Promise<Account | undefined> {
		const account = this.#accounts.find(username);
		const hash = account?.passwordHash ?? nobody;
		const digest = createHmac("sha256", this.#secret).update(hash).update("\0").update(password).digest();
		const known = this.#known.get(username);
		if (account !== undefined && known !== undefined && timingSafeEqual(known, digest)) return account;
		const isRight = await isPassword(hash, password);
		if (account === undefined || !isRight) return undefined;
		this.#known.set(username, digest);
		return account;
	}
}

const nobody = `scrypt$${Buffer.alloc(16).toString("base64")}$${Buffer.alloc(keyBytes).toString("base64")}`;

/** Whether it is the password that `hashPassword` was given. */
export async function isPassword(passwordHash: string, password: Buffer): Promise<boolean> {
	const [scheme, salt = "", hash = ""] = passwordHash.split("$");
	const expected = Buffer.from(hash, "base64");
	if (scheme !== "scrypt" || expected.byteLength !== keyBytes) return false;
	return timingSafeEqual(await derive(password, Buffer.from(salt, "base64"), keyBytes, cost), expected);
}
