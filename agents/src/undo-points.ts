import type { Instant, ResourceId, UndoPoint } from "@davit/protocol";

/** Data that a restore or an undo set aside, and where it lies. */
export interface KeptUndo extends UndoPoint {
	readonly resource: ResourceId;
	/** What the operation needs to find it again; JSON. */
	readonly place: Readonly<Record<string, unknown>>;
	/** The agent has served for as long as it was to be kept. */
	readonly isOver: boolean;
}

/**
 * What can be gone back to; in the journal, so it outlives the process. It is kept for a time that the agent serves, which no
 * setting of a clock makes shorter.
 */
export interface UndoPoints {
	/** Keeping the same command's again replaces what was said of it. Answers until when it is, by the present clock. */
	keep(point: Omit<KeptUndo, "until" | "isOver"> & { readonly forMs: number }): Instant;
	/** The newest of a resource, whether or not its time has passed. */
	of(resource: ResourceId): KeptUndo | undefined;
	/** All whose time has passed, oldest first. */
	expired(): readonly KeptUndo[];
	/** Forgets it; its data must be gone by then. */
	drop(command: KeptUndo["command"]): void;
}
