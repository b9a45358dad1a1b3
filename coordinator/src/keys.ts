import {
	createHash,
	createPrivateKey,
	createPublicKey,
	generateKeyPairSync,
	type KeyObject,
} from "node:crypto";
import {
	closeSync,
	existsSync,
	fsyncSync,
	mkdirSync,
	openSync,
	readFileSync,
	renameSync,
	writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { OperationError } from "@davit/protocol";

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
export function openSigningKey(file: string): SigningKey {
	if (!existsSync(file)) writeKey(file, generateKeyPairSync("ed25519").privateKey);
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

function writeKey(file: string, privateKey: KeyObject): void {
	const folder = dirname(file);
	mkdirSync(folder, { recursive: true, mode: 0o700 });
	const partial = `${file}.partial`;
	const handle = openSync(partial, "w", 0o600);
	try {
		writeSync(handle, privateKey.export({ format: "pem", type: "pkcs8" }).toString());
		fsyncSync(handle);
	} finally {
		closeSync(handle);
	}
	renameSync(partial, file);
	const directory = openSync(folder, "r");
	try {
		fsyncSync(directory);
	} finally {
		closeSync(directory);
	}
}
