import { z } from "zod";
import { Capability, InventoryContainer, InventoryResource } from "./agent.ts";
import { FailureCode } from "./failure-codes.ts";
import { FailureReport } from "./failures.ts";
import { BrowseResult, DiffResult, GetResult } from "./operations/looking.ts";
import { PlanFacts, UndoPoint } from "./plan.ts";
import { ResourceId } from "./resource.ts";
import { ArchiveRow, HostRow, ResourceRow, ScheduleRow, StateWord } from "./rows.ts";
import { Run, RunState } from "./run.ts";
import { ArchiveId, HostName, Instant, PlanId, RequestId, RunId, SiteName } from "./vocabulary.ts";

// What every door answers: a page's URL with `Accept: application/json`, and `davit … --json`. docs/cli.md is made from these.

const page = {
	asOf: Instant,
	total: z.int().nonnegative(),
	page: z.int().positive(),
	pages: z.int().nonnegative(),
};

export const HostsDocument = z.object({
	schema: z.literal("davit/hosts/1"),
	...page,
	items: z.array(HostRow),
});
export const ResourcesDocument = z.object({
	schema: z.literal("davit/resources/1"),
	...page,
	items: z.array(ResourceRow),
});
export const ArchivesDocument = z.object({
	schema: z.literal("davit/archives/1"),
	...page,
	items: z.array(ArchiveRow),
});
export const RunsDocument = z.object({ schema: z.literal("davit/runs/1"), ...page, items: z.array(Run) });
export const SchedulesDocument = z.object({
	schema: z.literal("davit/schedules/1"),
	...page,
	items: z.array(ScheduleRow),
});
export type HostsDocument = z.infer<typeof HostsDocument>;
export type ResourcesDocument = z.infer<typeof ResourcesDocument>;
export type ArchivesDocument = z.infer<typeof ArchivesDocument>;
export type RunsDocument = z.infer<typeof RunsDocument>;
export type SchedulesDocument = z.infer<typeof SchedulesDocument>;

/** The first screen: is everything safe, and what needs me? */
export const StatusDocument = z.object({
	schema: z.literal("davit/status/1"),
	asOf: Instant,
	site: SiteName,
	verdict: z.object({ state: StateWord, sentence: z.string() }),
	counts: z.record(StateWord, z.int().nonnegative()),
	total: z.int().nonnegative(),
	/** At most 20; `needsMore` counts the rest. */
	needs: z.array(z.object({ state: StateWord, address: z.string(), sentence: z.string(), do: z.string() })),
	needsMore: z.int().nonnegative(),
	now: z.array(Run),
	next: z.array(z.object({ at: Instant, schedule: z.string(), target: z.string() })),
	hosts: z.array(HostRow),
	broker: z.object({ name: z.string(), protocol: z.enum(["3.1.1", "5"]), connected: z.boolean() }),
	/** What is wrong with the recovery kit, where something is. */
	recovery: z.object({ sentence: z.string(), do: z.string() }).optional(),
});
export type StatusDocument = z.infer<typeof StatusDocument>;

export const ResourceDocument = z.object({
	schema: z.literal("davit/resource/1"),
	asOf: Instant,
	row: ResourceRow,
	inventory: InventoryResource.nullable(),
	archives: z.array(ArchiveRow),
	runs: z.array(Run),
	schedules: z.array(ScheduleRow),
	undo: UndoPoint.nullable(),
	/** Seconds down at the last restore; null = not measured yet. */
	restoreDowntimeSeconds: z.number().nullable(),
});
export type ResourceDocument = z.infer<typeof ResourceDocument>;

export const HostDocument = z.object({
	schema: z.literal("davit/host/1"),
	asOf: Instant,
	row: HostRow,
	capabilities: z.array(Capability),
	resources: z.array(ResourceRow),
	containers: z.array(InventoryContainer),
	publicKey: z.string().nullable(),
	archivesPath: z.string().nullable(),
	/** When the host looked around last; null = its resources are not known yet. */
	inventoryAt: Instant.nullable(),
});
export type HostDocument = z.infer<typeof HostDocument>;

/** What each host can do, as it said last. */
export const DoctorDocument = z.object({
	schema: z.literal("davit/doctor/1"),
	hosts: z.array(z.object({ host: HostName, online: z.boolean(), capabilities: z.array(Capability) })),
});

export const ArchiveDocument = z.object({
	schema: z.literal("davit/archive/1"),
	asOf: Instant,
	row: ArchiveRow,
	/** The folder it lies in on its host. */
	path: z.string().nullable(),
	resourceRow: ResourceRow.nullable(),
});
export type ArchiveDocument = z.infer<typeof ArchiveDocument>;

/** One folder of an archive, as its host read it. */
export const ArchiveContentDocument = BrowseResult.extend({
	schema: z.literal("davit/content/1"),
	asOf: Instant,
	row: ArchiveRow,
});
export type ArchiveContentDocument = z.infer<typeof ArchiveContentDocument>;

/** What was taken out of an archive, and where it lies on its host. */
export const GottenDocument = GetResult.extend({
	schema: z.literal("davit/gotten/1"),
	asOf: Instant,
	row: ArchiveRow,
});
export type GottenDocument = z.infer<typeof GottenDocument>;

/** What differs between an archive and the present data, or another archive. */
export const DifferencesDocument = DiffResult.extend({
	schema: z.literal("davit/differences/1"),
	asOf: Instant,
	row: ArchiveRow,
});
export type DifferencesDocument = z.infer<typeof DifferencesDocument>;

/** One line of a run's story. */
export const RunStep = z.object({
	at: Instant,
	state: RunState,
	step: z.string().nullable(),
	message: z.string().nullable(),
	code: FailureCode.nullable(),
});
export type RunStep = z.infer<typeof RunStep>;

/** One of the things that a run does; `run` carries it out, null = not begun. */
export const RunPart = z.object({
	resource: ResourceId,
	/** `requested` where it waits to be begun. */
	state: RunState,
	run: Run.nullable(),
	/** Why it was not begun, or how its run failed. */
	failure: FailureReport.nullable(),
});
export type RunPart = z.infer<typeof RunPart>;

export const RunDocument = z.object({
	schema: z.literal("davit/run/1"),
	asOf: Instant,
	run: Run,
	steps: z.array(RunStep),
	/** It can be cancelled now; what a cancel would leave. */
	cancel: z.string().nullable(),
	undo: UndoPoint.nullable(),
	/** Seconds of downtime that were measured. */
	downtimeSeconds: z.number().nullable(),
	/** Of a run with parts, in their order: its state follows from theirs alone. */
	parts: z.array(RunPart).optional(),
});
export type RunDocument = z.infer<typeof RunDocument>;

export const PlanDocument = z.object({
	schema: z.literal("davit/plan/1"),
	asOf: Instant,
	plan: PlanId,
	host: HostName,
	expiresAt: Instant,
	/** `blocked` = it cannot run now; `facts.blockers` say why. */
	state: z.enum(["ready", "blocked", "applied", "expired"]),
	/** What must be typed: the resource's name. */
	confirm: z.string(),
	facts: PlanFacts,
	/** The run that applied it. */
	run: RunId.nullable(),
});
export type PlanDocument = z.infer<typeof PlanDocument>;

export const ScheduleDocument = z.object({
	schema: z.literal("davit/schedule/1"),
	asOf: Instant,
	row: ScheduleRow,
	upcoming: z.array(Instant),
});
export type ScheduleDocument = z.infer<typeof ScheduleDocument>;

/** What an address means: `nas/grafana-data@latest`. */
export const AddressDocument = z.object({
	schema: z.literal("davit/address/1"),
	host: HostName,
	resource: ResourceId.nullable(),
	archive: ArchiveId.nullable(),
	run: RunId.nullable(),
});
export type AddressDocument = z.infer<typeof AddressDocument>;

/** The answer to anything that starts a run. */
export const StartedDocument = z.object({
	schema: z.literal("davit/started/1"),
	request: RequestId,
	run: RunId,
	joined: z.boolean(),
});
export type StartedDocument = z.infer<typeof StartedDocument>;

/** Any refusal or failure, from every door. */
export const ErrorDocument = z.object({
	schema: z.literal("davit/error/1"),
	code: FailureCode,
	/** What was attempted, on what, why not. */
	message: z.string(),
	hint: z.string(),
	/** Names that may have been meant. */
	candidates: z.array(z.string()),
	exitCode: z.int(),
});
export type ErrorDocument = z.infer<typeof ErrorDocument>;

/** A one-time string for `davit host join`, shown once. */
export const JoinDocument = z.object({
	schema: z.literal("davit/join/1"),
	host: HostName,
	string: z.string(),
	expiresAt: Instant,
	command: z.string(),
});
export type JoinDocument = z.infer<typeof JoinDocument>;

/** How a client connects to the broker. */
export const AccountDocument = z.object({
	schema: z.literal("davit/account/1"),
	name: z.string(),
	address: z.string(),
	port: z.int(),
	username: z.string(),
	password: z.string(),
});
export type AccountDocument = z.infer<typeof AccountDocument>;
