import { z } from "zod";
import { FailureReport, OperationError } from "./failures.ts";
import { HostName, Sha256, SiteName } from "./vocabulary.ts";

/** What a joining string carries; it is worth one host's account for 15 minutes. */
export const JoinInvitation = z.strictObject({
	/** Name or address of the coordinator's machine; without brackets where it is IPv6. */
	address: z.string().min(1).max(255),
	port: z.int().min(1).max(65_535),
	/** SHA-256 of the coordinator's certificate in DER: checked before anything is said. */
	fingerprint: Sha256,
	/** 32 random bytes, base64url. */
	token: z.base64url().length(43),
	host: HostName,
});
export type JoinInvitation = z.infer<typeof JoinInvitation>;

/** One line of JSON, from the joiner, after the fingerprint was right. */
export const JoinRequest = z.object({
	version: z.literal(1),
	token: z.base64url().length(43),
	host: HostName,
	/** Ed25519, SPKI in base64; the private key never leaves the host. */
	publicKey: z.base64().max(200),
});
export type JoinRequest = z.infer<typeof JoinRequest>;

/** One line of JSON, back. */
export const JoinAnswer = z.discriminatedUnion("outcome", [
	z.object({
		version: z.literal(1),
		outcome: z.literal("admitted"),
		site: SiteName,
		host: HostName,
		/** The coordinator's signing key, SPKI in base64. */
		coordinatorKey: z.base64().max(200),
		broker: z.object({
			url: z.string().max(500),
			username: z.string().max(200),
			password: z.string().max(1000),
		}),
	}),
	z.object({ version: z.literal(1), outcome: z.literal("refused"), failure: FailureReport }),
]);
export type JoinAnswer = z.infer<typeof JoinAnswer>;

/** No line of this exchange is longer. */
export const maximumJoinLineBytes = 8 * 1024;

const prefix = "davit1.";

/** The string that a person carries to the new host. */
export function encodeJoinString({ address, port, fingerprint, token, host }: JoinInvitation): string {
	const parts = [address, port, Buffer.from(fingerprint, "hex").toString("base64url"), token, host];
	return prefix + Buffer.from(JSON.stringify(parts)).toString("base64url");
}

/** @throws OperationError token-invalid when it is cut short, mistyped, or not a joining string */
export function decodeJoinString(text: string): JoinInvitation {
	const Parts = z.tuple([z.string(), z.number(), z.base64url(), z.string(), z.string()]);
	const parts = text.startsWith(prefix) ? Parts.safeParse(parseJson(text.slice(prefix.length))) : undefined;
	if (parts?.success) {
		const [address, port, fingerprint, token, host] = parts.data;
		const invitation = JoinInvitation.safeParse({
			...{ address, port, token, host },
			fingerprint: Buffer.from(fingerprint, "base64url").toString("hex"),
		});
		if (invitation.success) return invitation.data;
	}
	throw new OperationError("token-invalid", "the joining string cannot be read", {
		hint: `copy the whole of it, from ${prefix} to its end, or make another on the coordinator's host`,
	});
}

function parseJson(base64url: string): unknown {
	try {
		return JSON.parse(Buffer.from(base64url, "base64url").toString());
	} catch {
		// What is not JSON is no joining string; the caller says so.
		return undefined;
	}
}
