import { createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { z } from "zod";
import { describeIssues } from "./describe-issues.ts";
import { OperationError } from "./failures.ts";
import { AgeRecipient } from "./recovery.ts";
import { ResourceId } from "./resource.ts";
import { CommandId, HostName, Instant, RunId, SiteName } from "./vocabulary.ts";

/** No message on the wire is longer. */
export const maximumMessageBytes = 64 * 1024;

const head = {
	version: z.literal(1),
	id: CommandId,
	site: SiteName,
	/** The one host it is for; any other refuses it. */
	host: HostName,
	/** The coordinator's life; an agent refuses a lower one than it has seen. */
	epoch: z.int().nonnegative(),
	issuedAt: Instant,
	/** It may be begun until then, not finished. */
	startBy: Instant,
};

/** Runs an operation. `operation` and `params` are checked against the catalogue by the agent, which answers `unsupported`. */
export const RunCommand = z.object({
	...head,
	kind: z.literal("run"),
	run: RunId,
	operation: z.string().max(64),
	resource: ResourceId,
	/** Rises with each command for the resource; operations that write or destroy need a higher one than was seen. */
	fence: z.int().nonnegative(),
	params: z.record(z.string(), z.unknown()),
	/** Seconds after its start when the agent gives up and undoes it. */
	deadlineSeconds: z.int().positive(),
});
export type RunCommand = z.infer<typeof RunCommand>;

/** Cancels an operation that was commanded before. */
export const CancelCommand = z.object({ ...head, kind: z.literal("cancel"), command: CommandId });
export type CancelCommand = z.infer<typeof CancelCommand>;

/** Says that a report was applied, so that the agent need not send it again. */
export const ReceiptCommand = z.object({
	...head,
	kind: z.literal("receipt"),
	command: CommandId,
	sequence: z.int().nonnegative(),
});
export type ReceiptCommand = z.infer<typeof ReceiptCommand>;

/** Answers a sync: the agent adopts the epoch and the fences, and may then do what writes or destroys. */
export const WelcomeCommand = z.object({
	...head,
	kind: z.literal("welcome"),
	/** The agent's session that is greeted. */
	session: z.string().max(64),
	fences: z.record(z.string(), z.int().nonnegative()),
	/** For whom archives are encrypted beside the host itself; absent where nobody has a recovery kit. */
	recoveryRecipients: z.array(AgeRecipient).min(1).max(10).optional(),
});
export type WelcomeCommand = z.infer<typeof WelcomeCommand>;

export const Command = z.discriminatedUnion("kind", [
	RunCommand,
	CancelCommand,
	ReceiptCommand,
	WelcomeCommand,
]);
export type Command = z.infer<typeof Command>;

const Envelope = z.object({
	/** The command's exact bytes, base64url. */
	payload: z.base64url(),
	/** The first 16 hexadecimal digits of the signing key's SHA-256. */
	key: z.string().max(64),
	/** Ed25519 over `davit-command-v1`, NUL and the payload's text, base64url. */
	signature: z.base64url(),
});

const context = "davit-command-v1\0";

/** The message of a command, signed over its exact bytes. Sending it again must send this very text. */
export function sealCommand(command: Command, key: { id: string; privateKey: KeyObject }): string {
	const payload = Buffer.from(JSON.stringify(command)).toString("base64url");
	const signature = sign(null, Buffer.from(context + payload), key.privateKey).toString("base64url");
	return JSON.stringify({ payload, key: key.id, signature });
}

/**
 * The command in a message, after its size, signature, version and audience were checked, in this order.
 * @throws OperationError command-too-large | command-malformed | command-forged | command-foreign | unsupported
 */
export function openCommand(
	message: Uint8Array,
	{ publicKey, site, host }: { publicKey: KeyObject; site: SiteName; host: HostName },
): Command {
	if (message.byteLength > maximumMessageBytes) {
		throw new OperationError("command-too-large", `a command of ${message.byteLength} bytes was refused`);
	}
	const envelope = Envelope.safeParse(parseJson(message));
	if (!envelope.success) throw new OperationError("command-malformed", "a command's envelope cannot be read");
	const { payload, signature } = envelope.data;
	const isGenuine = verify(
		null,
		Buffer.from(context + payload),
		publicKey,
		Buffer.from(signature, "base64url"),
	);
	if (!isGenuine)
		throw new OperationError("command-forged", "a command's signature is not the coordinator's");
	const raw = parseJson(Buffer.from(payload, "base64url"));
	const version = z.object({ version: z.number() }).safeParse(raw);
	if (version.success && version.data.version !== 1) {
		throw new OperationError(
			"unsupported",
			`a command of version ${version.data.version} was refused; this Davit reads version 1`,
		);
	}
	const command = Command.safeParse(raw);
	if (!command.success) {
		throw new OperationError(
			"command-malformed",
			`a signed command cannot be read: ${describeIssues(command.error)}`,
		);
	}
	if (command.data.site !== site || command.data.host !== host) {
		throw new OperationError(
			"command-foreign",
			`a command for ${command.data.site}/${command.data.host} came to ${site}/${host}`,
		);
	}
	return command.data;
}

/** The public key that a coordinator hands to its agents, as SPKI in base64. */
export function readPublicKey(spkiBase64: string): KeyObject {
	return createPublicKey({ key: Buffer.from(spkiBase64, "base64"), format: "der", type: "spki" });
}

function parseJson(bytes: Uint8Array): unknown {
	try {
		return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
	} catch (error) {
		throw new OperationError("command-malformed", "a command is not JSON in UTF-8", { cause: error });
	}
}
