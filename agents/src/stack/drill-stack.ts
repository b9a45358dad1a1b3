import { rm } from "node:fs/promises";
import { join } from "node:path";
import {
	type ArchivePart,
	Bytes,
	DrillResult,
	FolderPath,
	OperationError,
	parseResource,
	type ResourceId,
	resourceId,
} from "@davit/protocol";
import { agentLabel, agentOf } from "../container/run-contained.ts";
import type { Operation, OperationContext, Step } from "../operation.ts";
import { findOwn, newestVerified } from "../resource/drill.ts";
import {
	Compared,
	type DrillFacts,
	type Found,
	proveStep,
	restoringSteps,
	Unpacked,
} from "../resource/drill-steps.ts";
import { locateScratch } from "../resource/locate-scratch.ts";
import { readProject } from "./read-project.ts";
import { surveyFolder } from "./swap-facts.ts";

/** All that is restored, one after the other in the same scratch. */
type StackDrill = Pick<DrillFacts, "archive" | "startedAtMs"> & {
	readonly pieces: readonly (DrillFacts & { readonly name: string })[];
};

/**
 * Restores every part of a stack's archive, its images and the project's own files where nothing uses them, compares each with the
 * archive, opens the secrets, removes all of it and records what was proven. No container is started: a second project of the same
 * name would take the ports, names and networks of the first.
 */
export const drillStack: Operation<"stack.drill", StackDrill> = {
	async prepare(params, context, signal) {
		const resource = resourceId({ kind: "stack", stack: params.stack });
		const archive = params.archive ?? (await newestVerified(resource, context));
		const { manifest } = await findOwn(archive, { resource, context });
		if (manifest.stack === undefined)
			throw new OperationError("archive-corrupt", `archive ${archive} says nothing of a stack`);
		const { parts, images } = manifest.stack;
		const own = {
			name: "project",
			resource,
			part: "",
			entries: manifest.entries,
			contentBytes: manifest.contentBytes,
		};
		const startedAtMs = context.now();
		const pieces: StackDrill["pieces"][number][] = [];
		for (const piece of [...parts.map(pieceOf), ...(images === null ? [] : [pieceOf(images)]), own]) {
			const { name, part, entries, contentBytes } = piece;
			const wanted = { resource: scratchFor(piece.resource, context), archive, needBytes: contentBytes };
			const { place, dataPath } = await locateScratch(wanted, context, signal);
			pieces.push({
				...{ name, part, place, dataPath, archive, entries, contentBytes, startedAtMs },
				labels: { [agentLabel]: agentOf(context.config.home) },
			});
		}
		return { archive, startedAtMs, pieces };
	},
	steps(facts, context) {
		const found = facts.pieces.map((): Found => ({}));
		return [
			...facts.pieces.flatMap((piece, index) =>
				restoringSteps(piece, context, found[index] ?? {}).map((step) => ({
					...step,
					name: `${step.name} ${piece.name}`,
				})),
			),
			readStep(facts, context),
			proveStep(facts, context, found),
		];
	},
	result({ archive, startedAtMs, pieces }, outputs) {
		const restored = pieces.map(({ name }) => Unpacked.parse(outputs.get(`unpack ${name}`)));
		const compared = pieces.map(({ name }) => Compared.parse(outputs.get(`compare ${name}`)));
		const at = compared.at(-1)?.at;
		const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
		const result = DrillResult.parse({
			...{ archive, entries: sum(pieces.map(({ entries }) => entries)), drilledAt: at },
			contentBytes: Bytes.parse(sum(pieces.map(({ contentBytes }) => contentBytes))),
			restoreMs: sum(restored.map(({ restoreMs }) => restoreMs)),
			compareMs: sum(compared.map(({ compareMs }) => compareMs)),
			durationMs: Math.max(0, Date.parse(at ?? "") - startedAtMs),
		});
		return { state: "succeeded", result };
	},
};

function pieceOf({ resource, folder, entries, contentBytes }: ArchivePart) {
	return {
		name: folder.startsWith("parts/") ? resource : folder,
		resource,
		part: folder,
		entries,
		contentBytes,
	};
}

/** A volume for a volume, else a folder: beside the archives for what has no place of its own. */
function scratchFor(resource: ResourceId, { config }: OperationContext): ResourceId {
	if (parseResource(resource).kind !== "stack") return resource;
	return resourceId({ kind: "path", path: FolderPath.parse(join(config.archivesPath, "project")) });
}

/** Reads the project's files as a restore does, which opens what is sealed of them. */
function readStep({ archive }: StackDrill, context: OperationContext): Step {
	const into = surveyFolder(context.config, context.command);
	const remove = () => rm(into, { recursive: true, force: true });
	return {
		name: "read",
		intent: { archive, into },
		async run(signal) {
			await using _read = { [Symbol.asyncDispose]: remove };
			// Awaited here: what is read goes when this function ends.
			const { paths } = await readProject(await context.archives.find(archive), context, { into, signal });
			return { files: paths.length };
		},
		probe: async () => "absent",
		undo: remove,
	};
}
