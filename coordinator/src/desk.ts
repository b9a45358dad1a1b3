import type {
	AccountDocument,
	AddressDocument,
	ArchiveContentDocument,
	ArchiveDocument,
	ArchivesDocument,
	Consistency,
	DifferencesDocument,
	GottenDocument,
	HostDocument,
	HostName,
	HostsDocument,
	JoinDocument,
	PlanAction,
	PlanDocument,
	PlanId,
	PreviewDocument,
	PrincipalName,
	RecoveryDocument,
	RecoveryKitDocument,
	RepositoryName,
	Request,
	RescanDocument,
	ResourceDocument,
	ResourceId,
	ResourcesDocument,
	Response,
	RetentionPolicy,
	RunDocument,
	RunId,
	RunsDocument,
	ScheduleDocument,
	SchedulesDocument,
	ScheduleTask,
	SimulationDocument,
	StartedDocument,
	StatusDocument,
} from "@davit/protocol";
import type { LookWanted, PreviewWanted } from "./desk/look-into.ts";

/** At most 100 rows a page; `page` counts from 1. */
export interface Filter {
	readonly page?: number;
	readonly host?: string;
	readonly resource?: string;
	readonly state?: string;
}

/** What keeps a restic repository sound and small. */
export type Tending = Exclude<ScheduleTask, "backup">;

export interface NewSchedule {
	readonly name: string;
	/** An address, or `host/*`; of a check or a prune `host/repository`. */
	readonly target: string;
	readonly cron: string;
	readonly timeZone: string;
	readonly jitterSeconds: number;
	readonly consistency?: Consistency;
	/** What is asked for; absent = a backup. */
	readonly task?: Tending;
	/** The restic repository that backups go into, or that is checked or pruned; absent = the host's own archives. */
	readonly repository?: RepositoryName;
	/** Shorthand for a policy of one rule. */
	readonly keepLast?: number;
	/** What stays of what it backs up; everything where neither is given. */
	readonly policy?: RetentionPolicy;
}

/** What is changed of a schedule; what is left out stays as it is. */
export interface ScheduleChange {
	readonly cron?: string;
	readonly timeZone?: string;
	readonly jitterSeconds?: number;
	readonly consistency?: NewSchedule["consistency"];
	readonly keepLast?: number;
	/** `null` = everything stays from now on. */
	readonly policy?: RetentionPolicy | null;
}

export interface SimulationWanted {
	/** A schedule's name or an address. */
	readonly of: string;
	readonly days: number;
	/** Instead of what is kept now. */
	readonly policy?: RetentionPolicy;
}

/** What a host that joins sends, and what it is given. */
export interface Admission {
	readonly host: HostName;
	/** Ed25519, SPKI in base64. */
	readonly publicKey: string;
}

export interface Admitted {
	readonly site: string;
	readonly host: HostName;
	/** The coordinator's signing key, SPKI in base64. */
	readonly coordinatorKey: string;
	readonly broker: { readonly url: string; readonly username: string; readonly password: string };
}

/**
 * Everything a door (page, command, Home Assistant, schedule) can look at or ask for. Every method throws `OperationError`
 * for what an operator can act on. Looking is synchronous: it reads memory and the history.
 */
export interface Desk {
	status(): StatusDocument;
	hosts(filter: Filter): HostsDocument;
	host(host: string): HostDocument;
	resources(filter: Filter): ResourcesDocument;
	resource(host: string, resource: string): ResourceDocument;
	archives(filter: Filter): ArchivesDocument;
	/** `id` may be a unique prefix of at least 4 digits. */
	archive(id: string): ArchiveDocument;
	runs(filter: Filter): RunsDocument;
	run(run: string): RunDocument;
	schedules(): SchedulesDocument;
	schedule(name: string): ScheduleDocument;
	/** What a policy would keep and remove, now and in the days to come. */
	simulate(wanted: SimulationWanted): SimulationDocument;
	plan(id: string): PlanDocument;
	/** `host/name`, `host/kind:name`, `name`, a run, an archive, each with `@latest`, `@ID` … where an archive is meant. */
	resolve(address: string): AddressDocument;

	/** Records and answers at once; what is refused is answered too, never thrown. */
	ask(request: Request, principal: PrincipalName): Response;
	/** Asks the host what a restore or an undo would do; resolves when it answered. */
	makePlan(
		wanted: { host: HostName; resource: ResourceId; action: PlanAction },
		principal: PrincipalName,
		signal: AbortSignal,
	): Promise<PlanDocument>;
	/** Asks the host what one folder of an archive holds; resolves when it answered. */
	browse(
		wanted: LookWanted & { readonly folder: string },
		principal: PrincipalName,
		signal: AbortSignal,
	): Promise<ArchiveContentDocument>;
	/** Asks the host what differs between an archive and its resource's present data, or another archive. */
	diff(
		wanted: LookWanted & { readonly against: string },
		principal: PrincipalName,
		signal: AbortSignal,
	): Promise<DifferencesDocument>;
	/** Takes one file or folder out of an archive, on the archive's host. */
	get(
		wanted: { readonly archive: string; readonly inner: string },
		principal: PrincipalName,
		signal: AbortSignal,
	): Promise<GottenDocument>;
	/** Asks a host to rebuild what it knows of its archives from the archives alone. */
	rescan(host: string, principal: PrincipalName, signal: AbortSignal): Promise<RescanDocument>;
	/** Asks the host what a backup would do. */
	preview(wanted: PreviewWanted, principal: PrincipalName, signal: AbortSignal): Promise<PreviewDocument>;
	apply(plan: PlanId, confirm: string, principal: PrincipalName): StartedDocument;
	cancel(run: RunId, principal: PrincipalName): RunDocument;
	/** `confirm` is its name, needed where archives would go that stay now. */
	addSchedule(
		wanted: { readonly schedule: NewSchedule; readonly confirm: string },
		principal: PrincipalName,
	): ScheduleDocument;
	/** `confirm` is the schedule's name, needed where archives would go that stay now. */
	editSchedule(
		edit: { readonly name: string; readonly change: ScheduleChange; readonly confirm: string },
		principal: PrincipalName,
	): ScheduleDocument;
	/** A paused schedule begins nothing; what it keeps stays kept. */
	pauseSchedule(name: string, isPaused: boolean, principal: PrincipalName): ScheduleDocument;
	removeSchedule(name: string, principal: PrincipalName): void;

	/** A one-time string for one host, good for 15 minutes. */
	invite(host: HostName, principal: PrincipalName): Promise<JoinDocument>;
	/** Lets a host in and makes its broker account; on this machine's socket, or with a valid string. */
	admit(admission: Admission, principal: PrincipalName): Promise<Admitted>;
	/** How a client connects; makes the account on the embedded broker where there is none: `home-assistant`, `integration` or a person's own. */
	account(name: string, principal: PrincipalName): Promise<AccountDocument>;

	recovery(): RecoveryDocument;
	/** A kit, with a new key in it where `withKey`; that key counts once the kit was saved. */
	makeKit(wish: { readonly withKey: boolean }, principal: PrincipalName): Promise<RecoveryKitDocument>;
	/** Says that somebody has the kit of that number. */
	saveKit(kit: string, principal: PrincipalName): Promise<RecoveryDocument>;

	/** Called after every change, at most 4 times a second, with what changed: `run:ID`, `resource:HOST/ID`, `host:HOST`. */
	onChange(listener: (changed: ReadonlySet<string>) => void): () => void;
}
