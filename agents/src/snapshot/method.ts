import type { CommandId, Manifest } from "@davit/protocol";
import type { Mounted } from "../resource/read-mounts.ts";
import type { RunTool } from "./run-tool.ts";

export type MethodName = NonNullable<Manifest["snapshot"]>;

/** A snapshot that is to be taken, is there, or was there; JSON, so that it can be committed. */
export type Snapshot = {
	readonly method: MethodName;
	/** What it is taken of: a subvolume, a data set, a logical volume or a folder. */
	readonly of: string;
	/** What it is called there; holds the command's id. */
	readonly name: string;
	/** Where the resource's data is read in it. */
	readonly root: string;
	/** Of LVM: where it is mounted, how, and how much may change before it breaks (nothing = as much as the pool has). */
	readonly mount?: {
		readonly point: string;
		readonly fileSystem: string;
		readonly sizeBytes?: number;
	};
};

/** Where a resource lies, and who asks. */
export interface Ground {
	readonly folder: string;
	/** What `folder` lies in. */
	readonly mounted: Mounted;
	readonly mounts: readonly Mounted[];
	readonly command: CommandId;
	/** The agent's. */
	readonly home: string;
}

export interface Tools {
	readonly run: RunTool;
	readonly signal: AbortSignal;
}

/** One way to make a snapshot. */
export interface Method {
	/** The snapshot that could be taken; why none can, as an end of a sentence; undefined where it does not apply at all. */
	find(ground: Ground, tools: Tools): Promise<Snapshot | string | undefined>;
	/** @throws OperationError snapshot-refused */
	take(snapshot: Snapshot, tools: Tools): Promise<void>;
	/** Nothing happens where it is not there. @throws OperationError snapshot-refused */
	remove(snapshot: Snapshot, tools: Tools): Promise<void>;
}

/** What a snapshot of a command is called beside the data. */
export function snapshotName(command: CommandId): string {
	return `.davit-snapshot-${command}`;
}
