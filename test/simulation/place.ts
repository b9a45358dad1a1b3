import {
	ArchiveId,
	type ArchiveSummary,
	Bytes,
	CommandId,
	type Instant,
	instantOf,
	type ResourceId,
	Sha256,
} from "@davit/protocol";

/** One resource of one simulated host: what operations find and change. */
export interface Place {
	readonly resource: ResourceId;
	/** Undefined between the two halves of a swap. */
	content: string | undefined;
	/** Commands that hold its writers stopped. */
	readonly stopped: Set<string>;
	/** Commands whose unfinished work lies beside it. */
	readonly staged: Set<string>;
	/** Content that was set aside, by the command that did. */
	readonly aside: Map<string, string>;
	archives: readonly ArchiveSummary[];
}

/** Took the archive that each place has from the beginning. */
const oldCommand = CommandId.parse("01900000-0000-7000-8000-000000000000");

export function makePlace(resource: ResourceId): Place {
	return {
		...{ resource, content: "first" },
		archives: [summaryOf(oldCommand, instantOf(Date.UTC(2026, 10, 1)))],
		...{ stopped: new Set<string>(), staged: new Set<string>(), aside: new Map<string, string>() },
	};
}

/** Whether something that a command began is left unfinished. */
export function hasResidue(place: Place, command: string): boolean {
	return place.stopped.has(command) || place.staged.has(command) || isTorn(place, command);
}

/** Between the two halves of this command's swap. */
export function isTorn({ content, aside }: Place, command: string): boolean {
	return content === undefined && [...aside.keys()].at(-1) === command;
}

export function archiveOf(command: CommandId): ArchiveId {
	return ArchiveId.parse(command.replaceAll("-", "").slice(-10));
}

export function summaryOf(command: CommandId, takenAt: Instant): ArchiveSummary {
	const bytes = Bytes.parse(1);
	return {
		...{ id: archiveOf(command), takenAt, bytes, contentBytes: bytes, entries: 1, proof: ["taken"] },
		...{ consistency: "paused", outcome: "succeeded", damaged: false, fidelity: "full", durationMs: 1 },
		manifestSha256: Sha256.parse("0".repeat(64)),
	};
}
