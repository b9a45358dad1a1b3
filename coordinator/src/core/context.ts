import type { CommandId, Logger, SiteName, Topics } from "@davit/protocol";
import type { Fleet } from "../fleet/fleet.ts";
import type { History } from "../history/history.ts";
import type { SigningKey } from "../keys.ts";
import type { Outbox } from "../outbox/outbox.ts";
import type { RunBook } from "../runs/book.ts";
import type { ScheduleBook } from "../schedules/book.ts";
import type { SteadyMoment } from "../schedules/read-steady-clock.ts";
import type { Changes } from "./changes.ts";

/** A message to the broker. It may be lost: whatever must not be is sent again from the history. */
export interface Outgoing {
	readonly topic: string;
	readonly payload: string;
	readonly retain?: boolean;
	readonly expirySeconds?: number;
}

export interface Limits {
	readonly offlineGraceSeconds: number;
	readonly overdueMarginSeconds: number;
	readonly runRetentionSeconds: number;
	readonly deadlineSeconds: number;
}

/** What the coordinator's core is given: no network, timer or clock but these. */
export interface Surroundings {
	readonly site: SiteName;
	readonly history: History;
	readonly key: SigningKey;
	readonly send: (outgoing: Outgoing) => void;
	/** Milliseconds since 1970. */
	readonly now: () => number;
	/** A clock that nobody sets, beside the other. */
	readonly steady: () => SteadyMoment;
	/** From 0 up to, not including, 1; for jitter and short ids. */
	readonly random: () => number;
	readonly newId: () => CommandId;
	readonly limits: Limits;
	/** For whom hosts encrypt archives beside themselves. */
	readonly recoveryRecipients?: () => readonly string[];
	readonly log: Logger;
}

/** The parts of the core, as its functions are handed them. */
export interface Core extends Surroundings {
	readonly topics: Topics;
	readonly runs: RunBook;
	readonly fleet: Fleet;
	readonly outbox: Outbox;
	readonly schedules: ScheduleBook;
	readonly changes: Changes;
	/** The last status that was published of each resource, by topic, without its time. */
	readonly statuses: Map<string, string>;
	/** Why the newest press on a resource was refused, by topic, until the next one is taken. */
	readonly refusals: Map<string, string>;
}

const alphabet = "abcdefghijklmnopqrstuvwxyz234567";

/** `prefix` and eight of a-z, 2-7. */
export function shortId(prefix: "r" | "p", random: () => number): string {
	return prefix + Array.from({ length: 8 }, () => alphabet[Math.floor(random() * 32)]).join("");
}
