import { createHash, randomBytes } from "node:crypto";
import type { HostName } from "@davit/protocol";

export interface Invitation {
	/** SHA-256 of the token, hexadecimal; the token itself is only in the string that was shown. */
	readonly secretHash: string;
	readonly host: HostName;
	/** Milliseconds since 1970. */
	readonly expiresMs: number;
}

/** Where invitations are kept; the coordinator's history in the real one. */
export interface Invitations {
	save(invitation: Invitation): void;
	/** Uses it up in one step and says for which host it was; undefined where none is valid at `nowMs`. */
	redeem(secretHash: string, nowMs: number): HostName | undefined;
}

export const invitationLifetimeMs = 15 * 60_000;

/** 32 random bytes, base64url. */
export function newToken(): string {
	return randomBytes(32).toString("base64url");
}

export function hashToken(token: string): string {
	return createHash("sha256").update(`davit-join-v1\0${token}`).digest("hex");
}
