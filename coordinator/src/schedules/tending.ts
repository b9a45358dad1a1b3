import {
	type HostName,
	type OperationName,
	type RepositoryName,
	ResourceId,
	type Run,
	type StatusDocument,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { Tending } from "../desk.ts";
import type { HostEntry } from "../fleet/fleet.ts";
import type { ScheduleRecord } from "../history/records.ts";
import type { Schedule } from "./book.ts";
import { overdueAfter } from "./overdue.ts";

type Need = StatusDocument["needs"][number];
type Problem = Pick<Need, "state" | "sentence">;

/** A schedule that checks or prunes a repository. */
export type TendingRecord = ScheduleRecord & {
	readonly task: Tending;
	readonly repository: RepositoryName;
};

export function isTending(record: ScheduleRecord): record is TendingRecord {
	return record.task !== undefined && record.repository !== undefined;
}

export function operationOf({ task }: TendingRecord): OperationName {
	return `repository.${task}`;
}

/** What the request names beside the repository: the folder of the host's archives. Empty for a host that was never heard. */
export function tendedPlaces(core: Core, record: TendingRecord): { host: HostName; resource: ResourceId }[] {
	const entry = hostOf(core, record);
	const resource = ResourceId.safeParse(`path:${entry?.record.description?.archivesPath}`).data;
	return entry === undefined || resource === undefined ? [] : [{ host: entry.record.host, resource }];
}

/** The newest run of a schedule's kind that has ended, whoever asked for it. */
export function lastTended(core: Core, record: ScheduleRecord): Run | undefined {
	return isTending(record) ? runsOf(core, record)?.last : undefined;
}

/** Why a person should look at a repository; undefined where nothing is wrong, or the schedule is paused. */
export function problemOf(core: Core, schedule: Schedule): Problem | undefined {
	const { record } = schedule;
	if (!isTending(record) || record.paused) return undefined;
	const { task, repository } = record;
	const { last, good } = runsOf(core, record) ?? {};
	if (last !== undefined && last.state !== "succeeded" && last.state !== "cancelled") {
		const why = last.failure === undefined ? "" : `: ${last.failure.message}`;
		const state = last.state === "inconsistent" || last.state === "unknown" ? last.state : "failed";
		return {
			state,
			sentence: `The newest ${task} of repository ${repository} (${last.run}) ${last.state}${why}.`,
		};
	}
	const doneAt = good?.endedAt;
	const overdueMs = overdueAfter(core, doneAt === undefined ? [] : [doneAt], schedule);
	if (overdueMs === undefined || overdueMs > core.now()) return undefined;
	const since = doneAt === undefined ? "it was never done" : `it was last done ${doneAt}`;
	return {
		state: "overdue",
		sentence: `A ${task} of repository ${repository} was due and the margin has passed; ${since}.`,
	};
}

/** Every repository that needs a person, once each. */
export function repositoryNeeds(core: Core): Need[] {
	const needs = core.schedules.all().flatMap((schedule) => {
		const problem = problemOf(core, schedule);
		const { target, task } = schedule.record;
		return problem === undefined
			? []
			: [{ ...problem, address: target, do: `davit repository ${task} ${target}` }];
	});
	return [...new Map(needs.map((need) => [`${need.do} ${need.state}`, need])).values()];
}

function runsOf(core: Core, record: TendingRecord) {
	const host = hostOf(core, record)?.record.host;
	return host === undefined ? undefined : core.runs.tended(host, operationOf(record), record.repository);
}

function hostOf(core: Core, { target }: TendingRecord): HostEntry | undefined {
	const name = target.slice(0, target.indexOf("/"));
	return [...core.fleet.hosts()].find(({ record }) => record.host === name);
}
