import { X509Certificate } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { OperationError, Sha256 } from "@davit/protocol";
import { writeDurably } from "../files/write-durably.ts";

export interface Certificate {
	/** PEM. */
	readonly certificate: string;
	/** PEM. */
	readonly key: string;
	/** SHA-256 over the certificate in DER. */
	readonly fingerprint: Sha256;
}

const lifetimeMs = 10 * 365 * 86_400_000;

/**
 * The certificate that joining hosts see, in `folder` (0600); made there the first time. Nobody has to trust it: the joining
 * string carries its fingerprint. Key and certificate are one file, so that they cannot part.
 * @throws OperationError configuration-invalid when the file holds something else
 */
export async function openCertificate(folder: string, nowMs: number): Promise<Certificate> {
	const file = join(folder, "join.pem");
	await mkdir(folder, { recursive: true, mode: 0o700 });
	const kept = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
		if (error.code === "ENOENT") return undefined;
		throw error;
	});
	if (kept !== undefined) return readCertificate(kept, file);
	// Needed once in a site's life, and half as large as the rest of the coordinator.
	const { generate } = await import("selfsigned");
	const made = await generate([{ name: "commonName", value: "davit" }], {
		keyType: "ec",
		curve: "P-256",
		algorithm: "sha256",
		notBeforeDate: new Date(nowMs - 86_400_000),
		notAfterDate: new Date(nowMs + lifetimeMs),
	});
	const pem = `${made.private.trim()}\n${made.cert.trim()}\n`;
	await writeDurably(file, pem, 0o600);
	return readCertificate(pem, file);
}

function readCertificate(pem: string, file: string): Certificate {
	const [key = "", rest = ""] = pem.split(/(?=-----BEGIN CERTIFICATE-----)/);
	try {
		const { fingerprint256 } = new X509Certificate(rest);
		const fingerprint = Sha256.parse(fingerprint256.replaceAll(":", "").toLowerCase());
		return { certificate: rest, key, fingerprint };
	} catch (error) {
		throw new OperationError(
			"configuration-invalid",
			`the certificate for joining hosts ${file} cannot be used`,
			{
				cause: error,
				hint: `remove ${file}; a new one is made, and joining strings that are still open become void`,
			},
		);
	}
}
