import { createHash } from "node:crypto";
import { ArchiveId, type CommandId, type Manifest, type ResourceId, resourceKey } from "@davit/protocol";
import type { BackupFacts } from "../resource/archive-steps.ts";
import type { Treated } from "../resource/plan-treatment.ts";
import type { Policy } from "../resource/policy.ts";
import type { Asked } from "../resource/refuse-databases.ts";
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
	/** How each part is copied, in the order of the parts. */
	readonly copies: readonly PartCopy[];
	readonly asked: Asked;
	readonly prediction?: NonNullable<BackupFacts["prediction"]>;
	/** Images that go into the archive: all, those that no registry has, or none. */
	readonly images: "all" | "homeless" | "none";
};

export type PartCopy = {
	/** Who could write to it when the backup began. */
	readonly writers: Manifest["writers"];
	/** Warnings of databases in it that are copied while they run, because that was asked for. */
	readonly forced: readonly string[];
};

/** What the steps around a stack's containers are told of it. */
export function backupFactsOf(facts: StackFacts): BackupFacts {
	const { resource, archive, startedAtMs, treated, writers, policy, notes, stack, asked, prediction } = facts;
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
		asked,
		...(prediction === undefined ? {} : { prediction }),
	};
}

/** The same for one of its volumes or folders, which is an archive of its own. */
export function partFactsOf(facts: StackFacts, index: number): BackupFacts {
	const located = facts.stack.parts[index];
	const copy = facts.copies[index];
	if (located === undefined || copy === undefined) throw new TypeError("a part of no stack");
	const archive = partArchive(facts.command, located.place.resource);
	// What was predicted is of the whole.
	const { prediction: _whole, ...common } = backupFactsOf(facts);
	return { ...common, ...located, archive, notes: [], ...copy };
}

export function forcedOf({ copies, stack }: Pick<StackFacts, "copies" | "stack">): string[] {
	return stack.parts.flatMap(({ place }, index) =>
		(copies[index]?.forced ?? []).map((warning) => `${place.resource}: ${warning}`),
	);
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
