import { z } from "zod";
import { ArchiveId, Bytes, Instant } from "../vocabulary.ts";
import { KeptReason } from "./choose.ts";
import { RetentionPolicy } from "./policy.ts";

const SimulatedArchive = z.object({
	/** Null = one that is yet to be taken. */
	id: ArchiveId.nullable(),
	takenAt: Instant,
	bytes: Bytes,
	kept: z.boolean(),
	reasons: z.array(KeptReason),
	/** It is marked for removal, and goes after this. */
	goesAt: Instant.nullable(),
});

const SimulatedResource = z.object({
	address: z.string(),
	policy: RetentionPolicy,
	/** Why nothing of it would go. */
	heldBecause: z.string().nullable(),
	/** What a turn now decides, newest first. */
	today: z.array(SimulatedArchive),
	/** What there is on each day that changes something, by the policy's time zone. */
	days: z.array(
		z.object({
			date: z.iso.date(),
			taken: z.int().nonnegative(),
			kept: z.int().nonnegative(),
			/** Marked, and not gone yet. */
			waiting: z.int().nonnegative(),
			removed: z.int().nonnegative(),
			bytes: Bytes,
		}),
	),
	/** What there is at the end, newest first. */
	end: z.array(SimulatedArchive),
});

/** What a policy would keep and remove, now and in the days to come. */
export const SimulationDocument = z.object({
	schema: z.literal("davit/simulation/1"),
	asOf: Instant,
	/** A schedule's name or an address. */
	of: z.string(),
	days: z.int().positive(),
	/** Until when backups were simulated; sooner than asked where they are very many. */
	until: Instant,
	today: z.object({ removes: z.int().nonnegative(), freesBytes: Bytes }),
	end: z.object({ kept: z.int().nonnegative(), bytes: Bytes }),
	/** At most 50 in full; the sums count all. */
	resources: z.array(SimulatedResource),
	more: z.int().nonnegative(),
});
export type SimulationDocument = z.infer<typeof SimulationDocument>;
