import { z } from "zod";
import { Consistency } from "./consistency.ts";
import { FailureReport } from "./failures.ts";
import { UndoPoint } from "./plan.ts";
import { Progress, ReportState } from "./report.ts";
import { ResourceId } from "./resource.ts";
import { RetentionPolicy } from "./retention/policy.ts";
import { Hold } from "./retention/suspect.ts";
import {
	ArchiveId,
	Bytes,
	CommandId,
	HostName,
	Instant,
	RepositoryName,
	RunId,
	Sha256,
	SiteName,
} from "./vocabulary.ts";

/** Whether a program is there. Its will says `offline` with the session that died; a will of another session is old news. */
export const Presence = z.object({
	version: z.literal(1),
	state: z.enum(["online", "offline"]),
	session: z.string().max(64),
	at: Instant,
	/** Of a coordinator: its epoch. Of an agent: its own. */
	epoch: z.int().nonnegative(),
});
export type Presence = z.infer<typeof Presence>;

/** Something a host can or cannot do, and the command that would help. */
export const Capability = z.object({
	name: z.enum(["docker", "host-path", "helper", "archive-api", "folders", "restic"]),
	available: z.boolean(),
	/** The version found, or why not. */
	detail: z.string().max(300),
	hint: z.string().max(300).optional(),
});
export type Capability = z.infer<typeof Capability>;

/** A restic repository of a host's configuration: where it is, and which file of the host holds its password. Never a secret itself. */
const DescribedRepository = z.object({
	name: RepositoryName,
	/** As restic has it; passwords in it are refused by the configuration. */
	url: z.string().max(2000),
	passwordFile: z.string().max(4096),
});

/** Who an agent is and what it can do; retained. */
export const Description = z.object({
	version: z.literal(1),
	site: SiteName,
	host: HostName,
	davit: z.string().max(40),
	node: z.string().max(40),
	platform: z.string().max(120),
	/** The agent's own Ed25519 key, SPKI in base64; its archives are signed with it. */
	publicKey: z.string().max(200),
	/** `operation@1` of everything it takes. */
	operations: z.array(z.string().max(64)).max(200),
	capabilities: z.array(Capability).max(20),
	archivesPath: z.string().max(4096),
	archivesFreeBytes: Bytes,
	/** Absent in words of an older agent. */
	repositories: z.array(DescribedRepository).max(20).optional(),
	at: Instant,
});
export type Description = z.infer<typeof Description>;

export const ResourceUser = z.object({
	/** The container's name. */
	container: z.string().max(255),
	/** `running`, `paused`, `exited` … as the engine says it. */
	state: z.string().max(32),
	/** Compose project and service, where it is one. */
	project: z.string().max(255).optional(),
	service: z.string().max(255).optional(),
	writes: z.boolean(),
});
export type ResourceUser = z.infer<typeof ResourceUser>;

export const InventoryResource = z.object({
	id: ResourceId,
	/** A volume without a name of its own; it is shown, but Home Assistant gets no entities for it. */
	anonymous: z.boolean(),
	driver: z.string().max(100).optional(),
	project: z.string().max(255).optional(),
	/** The policy for its writers, from the volume's label `davit.consistency`, the configuration, or the default `paused`. */
	consistency: Consistency,
	/** What stays of its archives, from the volume's label `davit.keep` or the configuration; it wins over schedules. */
	keep: RetentionPolicy.optional(),
	/** Of a stack whose Compose files can be read: the volumes and folders that its backup holds. */
	covers: z.array(ResourceId).max(100).optional(),
	users: z.array(ResourceUser),
});
export type InventoryResource = z.infer<typeof InventoryResource>;

/** A container with what it mounts; `mounts` holds volume names and bind paths alike. */
export const InventoryContainer = z.object({
	name: z.string().max(255),
	image: z.string().max(300),
	state: z.string().max(32),
	project: z.string().max(255).optional(),
	service: z.string().max(255).optional(),
	mounts: z.array(
		z.object({
			type: z.enum(["volume", "bind", "tmpfs", "other"]),
			source: z.string().max(4096),
			target: z.string().max(4096),
			writes: z.boolean(),
		}),
	),
});
export type InventoryContainer = z.infer<typeof InventoryContainer>;

/** What an agent sees on its host; retained. Containers are left out, and `truncated` set, where it would pass 60 KiB. */
export const Inventory = z.object({
	version: z.literal(1),
	host: HostName,
	engine: z.object({ version: z.string(), apiVersion: z.string(), name: z.string() }).optional(),
	/** Why no engine answers where one is looked for; its volumes and stacks are then left out, and may be there still. */
	engineAway: z.string().max(300).optional(),
	resources: z.array(InventoryResource),
	containers: z.array(InventoryContainer),
	truncated: z.boolean(),
	at: Instant,
});
export type Inventory = z.infer<typeof Inventory>;

/** How far an archive is known to be good. */
export const Proof = z.enum(["taken", "verified", "drilled", "off-site"]);
export type Proof = z.infer<typeof Proof>;

export const ArchiveSummary = z.object({
	id: ArchiveId,
	takenAt: Instant,
	bytes: Bytes,
	contentBytes: Bytes,
	entries: z.int().nonnegative(),
	/** Everything that is known of it; the first is always `taken`. */
	proof: z.array(Proof).min(1),
	consistency: Consistency,
	/** Complete, or with something left out. */
	outcome: z.enum(["succeeded", "partial"]),
	/** Not readable, or not matching its manifest. */
	damaged: z.boolean(),
	fidelity: z.enum(["full", "reduced"]),
	manifestSha256: Sha256,
	durationMs: z.int().nonnegative(),
	run: RunId.optional(),
	/** The restic repository that holds it; absent = the host's own archives. */
	repository: RepositoryName.optional(),
	/** Its number among the archives of its resource: their order, whatever clocks say. */
	sequence: z.int().positive().optional(),
	/** Since when a person wants it kept. */
	pinnedAt: Instant.optional(),
	/** It is marked for removal, and goes after this unless it is undeleted. */
	goesAt: Instant.optional(),
	/** When every stored byte was last read and found right. */
	verifiedAt: Instant.optional(),
	/** When it was last restored whole and compared, and how long the restore took. */
	drilledAt: Instant.optional(),
	restoreMs: z.int().nonnegative().optional(),
});
export type ArchiveSummary = z.infer<typeof ArchiveSummary>;

/** The newest drill: which archive was restored whole and compared, when, and how long the restore took. */
export const ProvenRestore = z.object({
	archive: ArchiveId,
	at: Instant,
	restoreMs: z.int().nonnegative(),
});
export type ProvenRestore = z.infer<typeof ProvenRestore>;

/** An operation that is under way on a resource. */
export const Activity = z.object({
	command: CommandId,
	run: RunId.optional(),
	operation: z.string().max(64),
	state: ReportState,
	progress: Progress.optional(),
	failure: FailureReport.optional(),
	at: Instant,
});
export type Activity = z.infer<typeof Activity>;

/** What an agent knows of one resource; retained, read by Home Assistant directly, so it survives a dead coordinator. */
export const ResourceState = z.object({
	version: z.literal(1),
	host: HostName,
	resource: ResourceId,
	/** The newest archive that is complete and verified. */
	lastGoodBackup: ArchiveSummary.nullable(),
	archives: z.int().nonnegative(),
	/** Null where none of its archives was ever drilled; absent in words of an older agent. */
	lastProvenRestore: ProvenRestore.nullable().optional(),
	/** The newest operation: under way or ended. */
	activity: Activity.nullable(),
	undo: UndoPoint.nullable(),
	/** Nothing is removed until a person releases it. */
	hold: Hold.optional(),
	at: Instant,
});
export type ResourceState = z.infer<typeof ResourceState>;

/** A resource's archives, newest first, at most 200; retained. */
export const ResourceArchives = z.object({
	version: z.literal(1),
	host: HostName,
	resource: ResourceId,
	archives: z.array(ArchiveSummary).max(200),
	at: Instant,
});
export type ResourceArchives = z.infer<typeof ResourceArchives>;
