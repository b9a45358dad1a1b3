import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/** What the signature is for; `ssh-keygen -Y verify -n` asks for the same. */
export const signatureNamespace = "davit-archive";

const magic = Buffer.from("SSHSIG");
const keyType = "ssh-ed25519";
const hashName = "sha512";

/** An armoured SSH signature (OpenSSH's PROTOCOL.sshsig) over `message`, which `ssh-keygen -Y verify` checks. */
export function signMessage(message: Buffer, privateKey: KeyObject): string {
	const signature = sign(null, signedBytes(message), privateKey);
	const blob = Buffer.concat([
		magic,
		uint32(1),
		field(sshKeyBytes(createPublicKey(privateKey))),
		field(signatureNamespace),
		field(""),
		field(hashName),
		field(Buffer.concat([field(keyType), field(signature)])),
	]);
	const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
	return ["-----BEGIN SSH SIGNATURE-----", ...lines, "-----END SSH SIGNATURE-----", ""].join("\n");
}

/** Whether `armored` is the very signature of `message` by that key. Ed25519 signatures are deterministic, their armour is ours. */
export function isSignedBy(armored: string, message: Buffer, publicKey: KeyObject): boolean {
	const body = /^-----BEGIN SSH SIGNATURE-----\n([\s\S]*)\n-----END SSH SIGNATURE-----\n$/.exec(armored)?.[1];
	if (body === undefined) return false;
	const blob = Buffer.from(body.replaceAll("\n", ""), "base64");
	const head = Buffer.concat([
		magic,
		uint32(1),
		field(sshKeyBytes(publicKey)),
		field(signatureNamespace),
		field(""),
		field(hashName),
	]);
	const signatureBytes = 64;
	const tailHead = Buffer.concat([
		uint32(4 + keyType.length + 4 + signatureBytes),
		field(keyType),
		uint32(signatureBytes),
	]);
	const expected = Buffer.concat([head, tailHead]);
	if (
		blob.length !== expected.length + signatureBytes ||
		!blob.subarray(0, expected.length).equals(expected)
	) {
		return false;
	}
	return verify(null, signedBytes(message), publicKey, blob.subarray(expected.length));
}

/** The key as OpenSSH writes it: `ssh-ed25519 AAAA…`. */
export function sshPublicKey(publicKey: KeyObject): string {
	return `${keyType} ${sshKeyBytes(publicKey).toString("base64")}`;
}

function signedBytes(message: Buffer): Buffer {
	const digest = createHash(hashName).update(message).digest();
	return Buffer.concat([magic, field(signatureNamespace), field(""), field(hashName), field(digest)]);
}

/** An Ed25519 key's SPKI ends in its 32 bytes (RFC 8410). */
function sshKeyBytes(publicKey: KeyObject): Buffer {
	if (publicKey.asymmetricKeyType !== "ed25519")
		throw new TypeError("archives are signed with Ed25519 keys only");
	const spki = publicKey.export({ type: "spki", format: "der" });
	return Buffer.concat([field(keyType), field(spki.subarray(-32))]);
}

function field(value: string | Uint8Array): Buffer {
	const bytes = Buffer.from(value);
	return Buffer.concat([uint32(bytes.length), bytes]);
}

function uint32(value: number): Buffer {
	const bytes = Buffer.alloc(4);
	bytes.writeUInt32BE(value);
	return bytes;
}
