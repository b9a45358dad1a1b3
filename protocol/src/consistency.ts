import { z } from "zod";

/** What made a copy one moment's, from the best to the least: the ladder. */
export const Consistency = z.enum(["engine-native", "snapshot", "stopped", "paused", "live"]);
export type Consistency = z.infer<typeof Consistency>;

/** What can be asked for: a database's own copy cannot yet. */
export const AskedConsistency = Consistency.exclude(["engine-native"]);
export type AskedConsistency = z.infer<typeof AskedConsistency>;

/** What writers get for the moment of a snapshot, and for the whole copy where no snapshot can be made. */
export const Quiescence = AskedConsistency.extract(["stopped", "paused"]);
export type Quiescence = z.infer<typeof Quiescence>;

/** Completes "containers that write are …" and "were …". */
export const consistencyPhrases = {
	"engine-native": "left running, and asked for a copy of their own",
	snapshot: "held still for the moment of a snapshot",
	stopped: "stopped",
	paused: "paused",
	live: "left running",
} as const satisfies Record<Consistency, string>;
