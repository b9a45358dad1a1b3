import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "@davit/protocol";
import { writeSecret } from "./write-secret.ts";

export interface OwnKey {
	readonly privateKey: KeyObject;
	/** SPKI in base64. */
	readonly publicKey: string;
}

/** The public part of this host's own key, SPKI in base64. */
export async function ownPublicKey(home: string): Promise<string> {
	return (await ownKey(home)).publicKey;
}

/**
 * This host's own Ed25519 key. It is made in `<home>/agent/key.pem` (0600) where there is none, and never leaves it.
 * @throws OperationError configuration-invalid when the file holds something else
 */
export async function ownKey(home: string): Promise<OwnKey> {
	const folder = join(home, "agent");
	const file = join(folder, "key.pem");
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const kept = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return undefined;
		throw error;
	});
	const pem =
		kept ?? generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString();
	if (kept === undefined) await writeSecret(file, pem);
	return readKey(pem, file);
}

function readKey(pem: string, file: string): OwnKey {
	try {
		const privateKey = createPrivateKey(pem);
		if (privateKey.asymmetricKeyType !== "ed25519") throw new TypeError("it is not an Ed25519 key");
		const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).toString("base64");
		return { privateKey, publicKey };
	} catch (error) {
		throw new OperationError("configuration-invalid", `this host's key ${file} cannot be used`, {
			cause: error,
			hint: "put it back from a copy, or move it away: archives that it signed can then only be checked by their sums",
		});
	}
}
