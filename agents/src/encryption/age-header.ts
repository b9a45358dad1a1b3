import { OperationError } from "@davit/protocol";
import {
	Decrypter,
	Encrypter,
	generateX25519Identity,
	identityToRecipient,
	type Recipient,
} from "age-encryption";
import { headerIn, type Seal } from "./find-header.ts";

// The only place that knows the library. It makes and opens headers; payloads are ours (seal-chunks.ts), ten times as fast.

/** Of 62 characters, as `age-keygen` makes them; newer kinds are not opened by the `age` of today's Debian. */
const recipientForm = /^age1[02-9ac-hj-np-z]{58}$/;
const identityForm = /^AGE-SECRET-KEY-1[02-9AC-HJ-NP-Z]{58}$/;

export async function makeIdentity(): Promise<string> {
	return generateX25519Identity();
}

/**
 * The public half of an identity.
 * @throws OperationError key-invalid; the message never holds the identity
 */
export async function recipientOf(identity: string, where: string): Promise<string> {
	if (!identityForm.test(identity)) throw invalid(`${where} holds something else than age identities`);
	return identityToRecipient(identity).catch(() => {
		throw invalid(`${where} holds an age identity with a wrong character in it`);
	});
}

/** @throws OperationError key-invalid */
export async function requireRecipient(recipient: string, where: string): Promise<string> {
	if (!recipientForm.test(recipient)) {
		throw invalid(`${where}: ${JSON.stringify(recipient.slice(0, 80))} is no age recipient`);
	}
	try {
		new Encrypter().addRecipient(recipient);
	} catch (error) {
		throw invalid(`${where}: the age recipient ${recipient} has a wrong character in it`, error);
	}
	return recipient;
}

/** A new key for one file, and the header in which each of the recipients finds it. */
export async function makeSeal(recipients: readonly string[]): Promise<Seal> {
	if (recipients.length === 0) throw new TypeError("nobody could open it");
	let fileKey: Uint8Array | undefined;
	const listening: Recipient = {
		wrapFileKey(key) {
			fileKey = Uint8Array.from(key);
			return [];
		},
	};
	const encrypter = new Encrypter();
	for (const recipient of recipients) encrypter.addRecipient(recipient);
	encrypter.addRecipient(listening);
	const header = headerIn(await encrypter.encrypt(new Uint8Array()));
	if (fileKey === undefined || header === undefined) throw new Error("age-encryption made no header");
	return { header: header.toString("base64"), fileKey: Buffer.from(fileKey).toString("base64") };
}

/** The file key in a header, in base64; undefined when none of the identities is among its recipients. */
export async function openHeader(
	header: Uint8Array,
	identities: readonly string[],
): Promise<string | undefined> {
	for (const identity of identities) {
		const decrypter = new Decrypter();
		decrypter.addIdentity(identity);
		try {
			return Buffer.from(await decrypter.decryptHeader(header)).toString("base64");
		} catch (error) {
			if (!isNoMatch(error)) throw error;
		}
	}
	return undefined;
}

/** The library has no other way to say so. */
function isNoMatch(error: unknown): boolean {
	return error instanceof Error && error.message === "no identity matched any of the file's recipients";
}

function invalid(message: string, cause?: unknown): OperationError {
	return new OperationError("key-invalid", message, { cause });
}
