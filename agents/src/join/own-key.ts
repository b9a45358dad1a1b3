import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { OperationError } from "@davit/protocol";
import { writeSecret } from "./write-secret.ts";

/**
 * The public part of this host's own Ed25519 key, SPKI in base64. The key is made in `<home>/agent/key.pem` (0600) where there is
 * none, and never leaves it.
 * @throws OperationError configuration-invalid when the file holds something else
 */
export async function ownPublicKey(home: string): Promise<string> {
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
	return publicPart(pem, file);
}

function publicPart(pem: string, file: string): string {
	try {
		const publicKey = createPublicKey(createPrivateKey(pem));
		if (publicKey.asymmetricKeyType !== "ed25519") throw new TypeError("it is not an Ed25519 key");
		return publicKey.export({ format: "der", type: "spki" }).toString("base64");
	} catch (error) {
		throw new OperationError("configuration-invalid", `this host's key ${file} cannot be used`, {
			cause: error,
			hint: "put it back from a copy, or move it away: archives that it signed can then only be checked by their sums",
		});
	}
}
