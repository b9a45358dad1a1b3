import type { FileJob, FileResults } from "../files/job.ts";
import type { PlaceJob, PlaceResults } from "./place-job.ts";

/** Everything that is asked of the files of a place. */
export type ReachJob = FileJob | PlaceJob;
type ReachResults = FileResults & PlaceResults;
export type ReachResult<Job extends ReachJob> = ReachResults[Job["kind"]];

const fileJobs: ReadonlySet<string> = new Set<FileJob["kind"]>([
	"pack",
	"unpack",
	"compare",
	"compose",
	"copy",
	"diff",
	"index",
	"recheck",
	"measure",
	"find-databases",
	"verify",
	"sample",
]);

/** Whether it reads or writes content, which takes a thread of its own. */
export function isFileJob(job: ReachJob): job is FileJob {
	return fileJobs.has(job.kind);
}
