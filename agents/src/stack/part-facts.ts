import { createHash } from "node:crypto";
import { ArchiveId, type CommandId, type Manifest, type ResourceId, resourceKey } from "@davit/protocol";
import type { BackupFacts } from "../resource/archive-steps.ts";
import type { Located } from "../resource/locate.ts";
import type { Treated } from "../resource/plan-treatment.ts";
import type { Policy } from "../resource/policy.ts";
import type { LeftOut, LocatedStack } from "./locate-stack.ts";

/** Everything a backup of a stack needs to know, now or after a crash; nothing secret. */
export type StackFacts = {
	readonly resource: ResourceId;
	readonly command: CommandId;
	readonly archive: ArchiveId;
	readonly startedAtMs: number;
	readonly stack: LocatedStack;
	readonly treated: readonly Treated[];
	readonly writers: Manifest["writers"];
	readonly policy: Policy;
	readonly notes: readonly string[];
	/** Images that go into the archive: all, those that no registry has, or none. */
	readonly images: "all" | "homeless" | "none";
};

/** What the steps around a stack's containers are told of it. */
export function backupFactsOf(facts: StackFacts): BackupFacts {
	const { resource, archive, startedAtMs, treated, writers, policy, notes, stack } = facts;
	const place = { resource, folder: stack.folder, exists: true };
	const sight = { isFolder: true, freeBytes: 0, isArchivable: false };
	return {
		place,
		dataPath: "host-path",
		sight,
		labels: {},
		archive,
		startedAtMs,
		treated,
		writers,
		policy,
		notes,
	};
}

/** The same for one of its volumes or folders, which is an archive of its own. */
export function partFactsOf(facts: StackFacts, located: Located): BackupFacts {
	const archive = partArchive(facts.command, located.place.resource);
	return { ...backupFactsOf(facts), ...located, archive, notes: [] };
}

/** Always the same one of the same command. */
export function partArchive(command: CommandId, name: string): ArchiveId {
	return ArchiveId.parse(createHash("sha256").update(`${command} ${name}`).digest("hex").slice(0, 10));
}

/** Where a part lies in the archive. */
export function partFolder(resource: ResourceId): string {
	return `parts/${resourceKey(resource)}`;
}

export const imagesFolder = "images";

export function lossesOf(leftOut: readonly LeftOut[]): string[] {
	return leftOut.filter(({ isLoss }) => isLoss).map(({ what, why }) => `${what} was left out: ${why}`);
}
