import { z } from "zod";
import { ArchiveSummary, Proof, ProvenRestore } from "./agent.ts";
import { Consistency } from "./consistency.ts";
import { KeepLast } from "./operations/results.ts";
import { ResourceId } from "./resource.ts";
import { KeptReason } from "./retention/choose.ts";
import { RetentionPolicy } from "./retention/policy.ts";
import { Hold } from "./retention/suspect.ts";
import { Run } from "./run.ts";
import { Bytes, HostName, Instant, RepositoryName, RunId } from "./vocabulary.ts";

// One line each of what every door lists.

/** What a person reads of a resource, worst first; each word says itself what it means in `because`. */
export const StateWord = z.enum([
	"inconsistent",
	"unknown",
	"failed",
	"overdue",
	"partial",
	"running",
	"unproven",
	"unprotected",
	"safe",
	"ignored",
]);
export type StateWord = z.infer<typeof StateWord>;

/** A resource in one row. */
export const ResourceRow = z.object({
	/** `host/volume:NAME` or `host/path:/srv/x`. */
	address: z.string(),
	host: HostName,
	resource: ResourceId,
	name: z.string(),
	project: z.string().nullable(),
	state: StateWord,
	/** The threshold or the cause, and the cure, in a sentence. */
	because: z.string(),
	proof: z.array(Proof),
	lastGoodBackup: ArchiveSummary.nullable(),
	archives: z.int().nonnegative(),
	/** Null = none of its archives was ever restored in a drill. */
	lastProvenRestore: ProvenRestore.nullable(),
	overdue: z.boolean(),
	nextDueAt: Instant.nullable(),
	running: RunId.nullable(),
	/** What stays of its archives: its own policy, or those of its schedules together; null = everything. */
	policy: RetentionPolicy.nullable(),
	/** Nothing of it is removed until a person releases it. */
	hold: Hold.nullable(),
	/** When the host's words about it were last heard. */
	heardAt: Instant.nullable(),
});
export type ResourceRow = z.infer<typeof ResourceRow>;

export const HostRow = z.object({
	host: HostName,
	online: z.boolean(),
	/** When it was last heard; null = never. */
	heardAt: Instant.nullable(),
	davit: z.string().nullable(),
	engine: z.string().nullable(),
	resources: z.int().nonnegative(),
	safe: z.int().nonnegative(),
	state: StateWord,
	because: z.string(),
	newestBackupAt: Instant.nullable(),
	archivesFreeBytes: Bytes.nullable(),
	/** The host's clock minus the coordinator's, seconds. */
	clockSkewSeconds: z.number().nullable(),
});
export type HostRow = z.infer<typeof HostRow>;

export const ArchiveRow = ArchiveSummary.extend({
	host: HostName,
	resource: ResourceId,
	address: z.string(),
	/** The shortest unique prefix of the id, at least 4 digits. */
	short: z.string(),
	/** Why the policy keeps it; empty where it is to go, and where there is no policy. */
	keptBecause: z.array(KeptReason),
});
export type ArchiveRow = z.infer<typeof ArchiveRow>;

/** What a schedule asks for: a backup, or that a restic repository is checked or pruned. */
export const ScheduleTask = z.enum(["backup", "check", "prune"]);
export type ScheduleTask = z.infer<typeof ScheduleTask>;

export const ScheduleRow = z.object({
	name: z.string(),
	task: ScheduleTask,
	/** What it backs up: an address, or `host/*` for everything on a host; what it checks or prunes: `host/repository`. */
	target: z.string(),
	/** Where a backup goes, or what is checked or pruned; null = into the host's own archives. */
	repository: RepositoryName.nullable(),
	/** Five cron fields. */
	cron: z.string(),
	timeZone: z.string(),
	/** Up to so many seconds after each due time, at random. */
	jitterSeconds: z.int().nonnegative(),
	consistency: Consistency.nullable(),
	keepLast: KeepLast.nullable(),
	/** What stays of what it backs up; null = everything. */
	policy: RetentionPolicy.nullable(),
	nextDueAt: Instant.nullable(),
	lastDueAt: Instant.nullable(),
	paused: z.boolean(),
	/** Of a check or a prune: the newest that has ended, whoever asked for it. */
	lastRun: Run.nullable(),
	/** Of a check or a prune: why a person should look. */
	problem: z.object({ state: StateWord, sentence: z.string() }).nullable(),
});
export type ScheduleRow = z.infer<typeof ScheduleRow>;
