import type { ArchivePart, Manifest, StackContent } from "@davit/protocol";
import { hideNames } from "../encryption/hide-names.ts";
import type { PackedTree } from "../files/job.ts";
import type { OperationContext, Step } from "../operation.ts";
import { manifestOf } from "../resource/archive-steps.ts";
import type { Gathered } from "./gather-project.ts";
import {
	backupFactsOf,
	forcedOf,
	imagesFolder,
	lossesOf,
	partArchive,
	partFactsOf,
	partFolder,
	type StackFacts,
} from "./part-facts.ts";

/** What one life of the agent knows between the steps; up to the commit point one life runs them all. */
export interface Building {
	folder?: string;
	gathered?: Gathered;
	/** The project's own files. */
	tree?: PackedTree;
	secrets?: StackContent["secrets"];
	secretWarnings?: readonly string[];
	readonly parts: { readonly index: number; readonly tree: PackedTree }[];
	images?: { readonly tree: PackedTree; readonly names: readonly string[] };
	readonly outputs: Map<string, Readonly<Record<string, unknown>>>;
}

/** Signs every part, then the whole, with which the archive exists. */
export function sealStackStep(facts: StackFacts, context: OperationContext, building: Building): Step {
	const { archive, resource, stack } = facts;
	const { archives, now } = context;
	return {
		name: "seal",
		intent: { archive },
		async run() {
			const { folder, tree, gathered, outputs, images } = building;
			if (folder === undefined || tree === undefined || gathered === undefined)
				throw new TypeError("sealed before it was described");
			const atMs = now();
			const parts: ArchivePart[] = [];
			for (const { index, tree: content } of building.parts) {
				const manifest = manifestOf(partFactsOf(facts, index), context, { tree: content, outputs, atMs });
				parts.push(await archives.commitPart(manifest, { folder, part: partFolder(manifest.resource) }));
			}
			const imagesPart =
				images === undefined
					? null
					: await archives.commitPart(
							{
								...manifestOf(backupFactsOf(facts), context, { tree: images.tree, outputs, atMs }),
								archive: partArchive(facts.command, imagesFolder),
							},
							{ folder, part: imagesFolder },
						);
			const leftOut = [...stack.leftOut, ...gathered.leftOut];
			const content: StackContent = {
				...{ project: stack.project, parts, images: imagesPart, secrets: building.secrets ?? null },
				...{ hasSecrets: gathered.secrets !== undefined, leftOut: leftOut.slice(0, 500) },
			};
			const manifest = describeWhole(facts, context, { content, building, atMs, tree });
			await archives.commit(manifest, folder);
			const all = [...parts, ...(imagesPart === null ? [] : [imagesPart])];
			const sum = (count: (part: ArchivePart) => number) =>
				all.reduce((total, part) => total + count(part), 0);
			return {
				bytes: sum(({ bytes }) => bytes) + tree.artefacts.reduce((total, { bytes }) => total + bytes, 0),
				entries: tree.entries + sum(({ entries }) => entries),
				contentBytes: tree.contentBytes + sum(({ contentBytes }) => contentBytes),
				atMs,
			};
		},
		probe: () => archives.presence(resource, archive),
		undo: async () => {
			if ((await archives.presence(resource, archive)) === "complete") await archives.remove(archive);
		},
	};
}

interface Whole {
	readonly content: StackContent;
	readonly building: Building;
	readonly tree: PackedTree;
	readonly atMs: number;
}

function describeWhole(
	facts: StackFacts,
	context: OperationContext,
	{ content, building, tree, atMs }: Whole,
): Manifest {
	const { gathered, secretWarnings = [], outputs } = building;
	const manifest = manifestOf(backupFactsOf(facts), context, { tree, outputs, atMs });
	const ofParts = building.parts.flatMap(({ tree: found }, index) =>
		hideNames(found).map((warning) => `${content.parts[index]?.resource}: ${warning}`),
	);
	const warnings = [
		...lossesOf(content.leftOut),
		...forcedOf(facts),
		...manifest.warnings,
		...(gathered?.warnings ?? []),
		...secretWarnings,
		...ofParts,
	];
	const isWhole = warnings.length === 0 && content.parts.every(({ outcome }) => outcome === "succeeded");
	return {
		...manifest,
		warnings: warnings.slice(0, 1000),
		outcome: isWhole ? "succeeded" : "partial",
		stack: content,
	};
}
