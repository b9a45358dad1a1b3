import { join } from "node:path";
import type { ArchiveId, CommandId, ResourceId } from "@davit/protocol";
import type { AgentConfig } from "../config.ts";
import type { EngineNetwork } from "../docker/open-networks.ts";
import type { Treated } from "../resource/plan-treatment.ts";
import type { DataPath } from "../resource/reach-place.ts";
import type { SwapFacts } from "../resource/swap-steps.ts";
import type { ComposeProject } from "./run-compose.ts";

/** Everything a restore or an undo of a stack needs to know, now or after a crash; nothing secret. */
export type StackSwap = {
	readonly resource: ResourceId;
	readonly command: CommandId;
	readonly archive: ArchiveId;
	readonly startedAtMs: number;
	readonly treated: readonly Treated[];
	readonly parts: readonly SwapFacts[];
	readonly project: ComposeProject;
	/** Every file that is put back or taken away, by its absolute path. */
	readonly paths: readonly string[];
	/** Of an undo: the swap whose kept files come back. */
	readonly undoes?: CommandId;
	/** Folders above files and parts that are missing, the outermost first. */
	readonly missingFolders: readonly string[];
	readonly networks: readonly EngineNetwork[];
	/** Images that the engine does not have, and whether the archive has them. */
	readonly images: readonly { readonly name: string; readonly digests: readonly string[] }[];
	readonly loadsImages: boolean;
	/** Containers of the stack, before. */
	readonly containers: readonly string[];
	/** Whether there are Compose files afterwards; without them the containers go. */
	readonly goesUp: boolean;
	readonly wasUp: boolean;
	readonly counts: { readonly replaced: number; readonly added: number; readonly removed: number };
};

/** What a stack's undo point says; JSON. */
export type KeptStack = {
	readonly kept: readonly {
		readonly resource?: ResourceId;
		readonly folder: string;
		readonly dataPath: DataPath;
	}[];
	readonly project: ComposeProject;
	readonly paths: readonly string[];
	readonly wasUp: boolean;
	readonly setAsideAt: string;
	readonly downtimeSeconds: number;
};

/** Where the files lie that a swap put aside, and those that it puts in place. */
export function keptFiles({ home }: AgentConfig, command: CommandId): string {
	return join(home, "stacks", `${command}-kept`);
}

export function incomingFiles({ home }: AgentConfig, command: CommandId): string {
	return join(home, "stacks", `${command}-new`);
}

/** Where a plan unpacks a project's files to look at them, secrets too. */
export function surveyFolder({ home }: Pick<AgentConfig, "home">, command: CommandId): string {
	return join(home, "stacks", `${command}${surveyEnd}`);
}

export const surveyEnd = "-survey";
