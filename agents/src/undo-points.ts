import type { ResourceId, UndoPoint } from "@davit/protocol";

/** Data that a restore or an undo set aside, and where it lies. */
export interface KeptUndo extends UndoPoint {
	readonly resource: ResourceId;
	/** What the operation needs to find it again; JSON. */
	readonly place: Readonly<Record<string, unknown>>;
}

/** What can be gone back to; in the journal, so it outlives the process. */
export interface UndoPoints {
	/** Keeping the same command's again replaces what was said of it. */
	keep(point: KeptUndo): void;
	/** The newest of a resource, whether or not its time has passed. */
	of(resource: ResourceId): KeptUndo | undefined;
	/** All whose time has passed, oldest first. */
	expired(nowMs: number): readonly KeptUndo[];
	/** Forgets it; its data must be gone by then. */
	drop(command: KeptUndo["command"]): void;
}
