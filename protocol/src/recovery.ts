import { z } from "zod";
import { Instant } from "./vocabulary.ts";

/** An age recipient (X25519), as `age-keygen -y` prints it; its first eight characters after `age1` are the number of its kit. */
export const AgeRecipient = z
	.string()
	.regex(/^age1[02-9ac-hj-np-z]{58}$/, "write an age recipient: age1 and 58 characters");

/** The number by which a person tells one recovery kit from another. */
export function kitNumber(recipient: string): string {
	return recipient.slice(4, 12);
}

/**
 * Whether there is a way back when everything but the archives is gone. `unsaved`: archives are not encrypted, and nothing counts
 * as safe off-site; `stale`: the kit is older than what it should tell of.
 */
export const RecoveryDocument = z.object({
	schema: z.literal("davit/recovery/1"),
	asOf: Instant,
	state: z.enum(["unsaved", "saved", "stale"]),
	sentence: z.string(),
	do: z.string(),
	/** The newest first; older ones open older archives. */
	kits: z.array(z.object({ number: z.string(), recipient: AgeRecipient, savedAt: Instant })),
	/** Where archives lie, as the newest kit should say. */
	places: z.array(
		z.object({
			name: z.string(),
			at: z.string(),
			note: z.string(),
			/** What gets archives out of it, a line each, where that is not the archive's own `restore.sh`. */
			commands: z.array(z.string()).optional(),
		}),
	),
	/** Of the newest proven restore, over everything; null = never. */
	provenAt: Instant.nullable(),
});
export type RecoveryDocument = z.infer<typeof RecoveryDocument>;

/** A recovery kit. `hasKey`: its text holds the secret key, which is kept nowhere else. */
export const RecoveryKitDocument = z.object({
	schema: z.literal("davit/recovery-kit/1"),
	number: z.string(),
	recipient: AgeRecipient,
	madeAt: Instant,
	hasKey: z.boolean(),
	text: z.string(),
	html: z.string(),
});
export type RecoveryKitDocument = z.infer<typeof RecoveryKitDocument>;
