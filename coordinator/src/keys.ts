import {
	createHash,
	createPrivateKey,
	createPublicKey,
	generateKeyPairSync,
	type KeyObject,
	randomBytes,
} from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { OperationError } from "@davit/protocol";
import { writeDurably } from "./files/write-durably.ts";

export interface SigningKey {
	/** The first 16 hexadecimal digits of the SHA-256 of the public key. */
	readonly id: string;
	readonly privateKey: KeyObject;
	/** SPKI in base64: what agents are given. */
	readonly publicKey: string;
}

/**
 * The Ed25519 key in `file` (PKCS #8 PEM, 0600); made there the first time.
 * @throws OperationError configuration-invalid when the file holds something else
 */
export async function openSigningKey(file: string): Promise<SigningKey> {
	if (!existsSync(file)) {
		const { privateKey } = generateKeyPairSync("ed25519");
		await writeSecret(file, privateKey.export({ format: "pem", type: "pkcs8" }).toString());
	}
	try {
		return signingKeyOf(createPrivateKey(readFileSync(file)));
	} catch (error) {
		throw new OperationError("configuration-invalid", `the signing key ${file} cannot be used`, {
			cause: error,
			hint: "put the key back from a copy; with a new key every host must join again",
		});
	}
}

export function signingKeyOf(privateKey: KeyObject): SigningKey {
	if (privateKey.asymmetricKeyType !== "ed25519") throw new TypeError("not an Ed25519 key");
	const spki = createPublicKey(privateKey).export({ format: "der", type: "spki" });
	return {
		id: createHash("sha256").update(spki).digest("hex").slice(0, 16),
		privateKey,
		publicKey: spki.toString("base64"),
	};
}

/** 32 random bytes in `file` (0600); made there the first time. */
export async function openSecret(file: string): Promise<Uint8Array> {
	if (!existsSync(file)) await writeSecret(file, randomBytes(32).toString("base64"));
	return Buffer.from(readFileSync(file, "utf8"), "base64");
}

async function writeSecret(file: string, text: string): Promise<void> {
	await mkdir(dirname(file), { recursive: true, mode: 0o700 });
	await writeDurably(file, text, 0o600);
}
