import { BackupSpace, Bytes, failureReport, type OperationError, type PreviewResult } from "@davit/protocol";
import type { OperationContext, Reading } from "../operation.ts";
import { affectedContainers } from "./plan-treatment.ts";
import { type BackupSurvey, surveyBackup } from "./survey-backup.ts";

/** Says what a backup would do. What stands against it is part of the answer. */
export const preview: Reading<"volume.preview" | "path.preview"> = {
	async read(params, context, signal) {
		const blockers: OperationError[] = [];
		const object = (blocker: OperationError) => void blockers.push(blocker);
		const archive = context.archives.archiveOf(context.command);
		const survey = await surveyBackup(params, archive, { context, signal, object });
		return { state: "succeeded", result: tell(survey, blockers, context) };
	},
};

type TellingFacts = Pick<
	BackupSurvey["facts"],
	"place" | "treated" | "snapshot" | "prediction" | "repository" | "hooks" | "notes" | "forced"
>;

export function tell(
	{
		facts,
		consistency,
		size,
		freeBytes,
	}: Pick<BackupSurvey, "consistency" | "size" | "freeBytes"> & {
		readonly facts: TellingFacts;
	},
	blockers: readonly OperationError[],
	{ config }: OperationContext,
): PreviewResult {
	const { place, treated, snapshot, prediction, repository, hooks, notes, forced = [] } = facts;
	const treatments = new Map(treated.map(({ name, treatment }) => [name, treatment]));
	const space =
		freeBytes === undefined
			? undefined
			: { needsBytes: size?.contentBytes ?? 0, reserveBytes: config.minimumFreeBytes, freeBytes };
	return {
		...{ resource: place.resource, consistency },
		...(snapshot === undefined ? {} : { snapshot: snapshot.method }),
		holds: affectedContainers(treated)
			.map((one) => ({ ...one, treatment: treatments.get(one.name) ?? "paused" }))
			.slice(0, 200),
		...prediction,
		...(size === undefined ? {} : { entries: size.entries, contentBytes: Bytes.parse(size.contentBytes) }),
		to: repository === undefined ? { folder: config.archivesPath } : { repository: repository.name },
		...(space === undefined ? {} : { space: BackupSpace.parse(space) }),
		hooks: [...(hooks?.before ?? []), ...(hooks?.after ?? [])].map(({ name }) => name),
		notes: [...notes, ...forced].slice(0, 50),
		blockers: blockers.map(failureReport),
	};
}
