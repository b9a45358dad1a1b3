import { randomBytes } from "node:crypto";
import { type HostName, OperationError, type Presence } from "@davit/protocol";

/**
 * Session ids say whose they are: the journal, since when this process serves, and a random part for each connection. So an
 * agent can tell its own presence from that of another agent with its name, and which of the two was there first.
 */
export interface NameGuard {
	/** Of the present connection. */
	readonly session: string;
	/** A connection ended; the next one has another session. */
	renew(): void;
	/** This agent said under its present session that it is there. */
	born(): void;
	/**
	 * What a presence of this host's name means: nothing, that our own old will overtook our birth, or that another agent
	 * has the name.
	 */
	hear(presence: Presence, retained: boolean): "nothing" | "say-again" | "other-came" | "name-taken";
}

export function guardName(journal: string, sinceMs: number): NameGuard {
	let session = newSession(journal, sinceMs);
	let isFirstConnection = true;
	let wasBorn = false;
	return {
		get session() {
			return session;
		},
		renew: () => {
			isFirstConnection = false;
			session = newSession(journal, sinceMs);
		},
		born: () => {
			wasBorn = true;
		},
		hear: (presence, retained) => {
			const [other = "", since = ""] = presence.session.split(".");
			if (other === journal && since === sinceMs.toString(36)) {
				return presence.state === "offline" && !retained && wasBorn ? "say-again" : "nothing";
			}
			// What lies there before this process was ever born may be its own past, or a host that was set up anew.
			if (!wasBorn || (isFirstConnection && retained)) return "nothing";
			// The will of an earlier life of this journal may come late.
			if (other === journal && presence.state === "offline" && !retained) return "say-again";
			const otherSinceMs = Number.parseInt(since, 36);
			const isOlder = otherSinceMs < sinceMs || (otherSinceMs === sinceMs && other < journal);
			return isOlder ? "name-taken" : "other-came";
		},
	};
}

/** The failure of the agent that came second. */
export function nameTaken(host: HostName): OperationError {
	return new OperationError(
		"host-name-taken",
		`another agent answers to the name ${host} and was there first, so this one ends`,
	);
}

function newSession(journal: string, sinceMs: number): string {
	return `${journal}.${sinceMs.toString(36)}.${randomBytes(4).toString("hex")}`;
}
