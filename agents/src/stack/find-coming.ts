import { join } from "node:path";
import {
	type ArchiveId,
	Instant,
	OperationError,
	type PlanAction,
	ProjectName,
	type ResourceId,
} from "@davit/protocol";
import { readManifest } from "../archives/read-manifest.ts";
import type { OperationContext } from "../operation.ts";
import type { Source } from "../resource/find-source.ts";
import { requireOwnArchive } from "../resource/require-own-archive.ts";
import { filesFolder } from "./gather-project.ts";
import { type ReadProject, readProject } from "./read-project.ts";
import { type KeptStack, keptFiles, type StackSwap } from "./swap-facts.ts";

/** What comes: of an archive, or of what an earlier swap put aside. */
export interface Coming {
	readonly archive: ArchiveId;
	readonly contentAt: Instant;
	readonly identity: string;
	readonly parts: readonly {
		readonly resource: ResourceId;
		readonly source: Source;
		readonly part?: string;
	}[];
	readonly project: Pick<ReadProject, "project" | "folder" | "configFiles" | "environmentFiles">;
	readonly networks: ReadProject["networks"];
	readonly images: ReadProject["images"];
	readonly holdsImages: boolean;
	/** Where its files lie now, and all that are touched. */
	readonly files: string;
	readonly paths: readonly string[];
	readonly goesUp: boolean;
	readonly undoes?: StackSwap["undoes"];
	readonly blockers: readonly OperationError[];
}

/**
 * The volumes and folders that are replaced.
 * @throws OperationError archive-not-found | archive-foreign | undo-not-found
 */
export async function partsOf(
	resource: ResourceId,
	action: PlanAction,
	context: OperationContext,
): Promise<readonly ResourceId[]> {
	if (action.action === "undo") return ofKept(resource, context).parts.map((part) => part.resource);
	const { manifest } = await requireOwnArchive(action.archive, resource, context.archives);
	return (manifest.stack?.parts ?? []).map((part) => part.resource);
}

/** @throws OperationError archive-not-found | archive-foreign | archive-corrupt */
export async function ofArchive(
	resource: ResourceId,
	archive: ArchiveId,
	{
		context,
		signal,
		scratch,
	}: { readonly context: OperationContext; readonly signal: AbortSignal; readonly scratch: string },
): Promise<Coming> {
	const found = await requireOwnArchive(archive, resource, context.archives);
	const { summary, manifest, folder } = found;
	if (summary.damaged || manifest.stack === undefined) {
		throw new OperationError("archive-corrupt", `archive ${archive} of ${resource} is known to be damaged`);
	}
	const blockers: OperationError[] = [];
	const project = await readProject(found, context, { into: scratch, signal }).catch((error: unknown) => {
		if (!(error instanceof OperationError) || error.code !== "stack-secrets-sealed") throw error;
		blockers.push(error);
		return undefined;
	});
	const parts: Coming["parts"][number][] = [];
	for (const part of manifest.stack.parts) {
		const inner = join(folder, part.folder);
		const { volumeLabels } = await readManifest(inner);
		const source: Source = {
			...{ archive, contentAt: manifest.takenAt, wanted: { archive: inner }, entries: part.entries },
			...{ needBytes: part.contentBytes, identity: part.manifestSha256, labels: volumeLabels ?? {} },
		};
		parts.push({ resource: part.resource, source, part: part.folder });
	}
	const empty = { project: manifest.stack.project, folder: "/", configFiles: [], environmentFiles: [] };
	const {
		networks = [],
		images = [],
		paths = [],
		...described
	} = project ?? (empty as Partial<ReadProject> & typeof empty);
	return {
		...{
			archive,
			contentAt: manifest.takenAt,
			identity: summary.manifestSha256,
			parts,
			networks,
			images,
			paths,
			blockers,
		},
		project: described,
		...{ holdsImages: manifest.stack.images !== null, files: join(scratch, filesFolder), goesUp: true },
	};
}

/** @throws OperationError undo-not-found */
export function ofKept(resource: ResourceId, { undoPoints, config }: OperationContext): Coming {
	const point = undoPoints.of(resource);
	if (point === undefined || point.isOver) {
		throw new OperationError("undo-not-found", `nothing of ${resource} is kept to go back to`);
	}
	// `keep-undo` of a stack wrote it from a value of this type.
	const kept = point.place["stack"] as KeptStack;
	const contentAt = Instant.parse(kept.setAsideAt);
	const { archive, command } = point;
	return {
		...{
			archive,
			contentAt,
			identity: command,
			undoes: command,
			networks: [],
			images: [],
			holdsImages: false,
			blockers: [],
		},
		parts: kept.kept.flatMap(({ resource: part, folder }) =>
			part === undefined
				? []
				: {
						resource: part,
						source: {
							archive,
							contentAt,
							wanted: { tree: folder },
							needBytes: 0,
							entries: 0,
							identity: command,
							kept: { command, folder },
							labels: {},
						},
					},
		),
		project: {
			project: ProjectName.parse(kept.project.project),
			folder: kept.project.folder,
			configFiles: [...kept.project.files],
			environmentFiles: [...kept.project.environmentFiles],
		},
		...{ files: join(keptFiles(config, command), filesFolder), paths: kept.paths, goesUp: kept.wasUp },
	};
}
