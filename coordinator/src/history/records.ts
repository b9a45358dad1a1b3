import type {
	ArchiveSummary,
	CommandId,
	Description,
	FailureReport,
	HostName,
	Instant,
	Inventory,
	Params,
	PlanAction,
	PlanId,
	PrincipalName,
	RequestId,
	ResourceId,
	ResourceState,
	Run,
	RunId,
	RunState,
} from "@davit/protocol";
import type { Role } from "../broker/rules.ts";
import type { NewSchedule } from "../desk.ts";
import type { SteadyMoment } from "../schedules/read-steady-clock.ts";

/** A run with what only the coordinator needs to know of it. */
export interface RunRecord {
	readonly run: Run;
	/** The newest command that carries it out. */
	readonly command: CommandId;
	readonly params: Readonly<Record<string, unknown>>;
	readonly startBy: Instant;
	/** Of the last report that was applied; -1 = none yet. */
	readonly sequence: number;
	/** Makes a plan: not shown among the runs. */
	readonly hidden: boolean;
	/** The plan it makes or applies. */
	readonly plan: PlanId | null;
	/** The schedule that asked for it. */
	readonly schedule: string | null;
	/** How often the host refused it for a reason that a new command cures. */
	readonly reissues: number;
	/** The agent's life that said so. */
	readonly agentEpoch?: number;
	/** When a report of it was last applied, milliseconds since 1970. */
	readonly heardMs?: number;
	/** When the host wrote that report, by its own clock. */
	readonly saidAt?: Instant;
	/** When the coordinator learned that it had ended, milliseconds since 1970. */
	readonly endedMs: number | null;
}

/** One of the things that a whole does. */
export interface PartRecord {
	readonly resource: ResourceId;
	/** The request that asks for it, made before anything is begun: however often the coordinator dies, it makes one run. */
	readonly request: RequestId;
	/** What carries it out; null = not begun. */
	readonly run: RunId | null;
	/** Its run was under way before, for somebody else. */
	readonly joined: boolean;
	/** How it ended, for good; null = it has not. */
	readonly ended: { readonly state: RunState; readonly failure: FailureReport | null } | null;
}

/** A run that no command carries out: its parts are runs of their own, and its state follows from theirs. */
export interface WholeRecord {
	readonly run: Run;
	readonly parts: readonly PartRecord[];
	readonly params: Params<"host.backup">;
	/** The latest moment to begin a part. */
	readonly startBy: Instant;
	readonly hidden: false;
	/** The schedule that asked for it. */
	readonly schedule: string | null;
	/** When the coordinator learned that it had ended, milliseconds since 1970. */
	readonly endedMs: number | null;
}

/** Whatever goes by a run's id. */
export type AnyRunRecord = RunRecord | WholeRecord;

export function isWhole(record: AnyRunRecord): record is WholeRecord {
	return "parts" in record;
}

export interface CommandRecord {
	readonly id: CommandId;
	readonly run: RunId;
	readonly host: HostName;
	readonly kind: "run" | "cancel";
	/** The exact text that is sent, each time the same. */
	readonly message: string;
	readonly startBy: Instant;
}

export interface PlanRecord {
	readonly plan: PlanId;
	readonly host: HostName;
	readonly resource: ResourceId;
	readonly action: PlanAction;
	readonly principal: PrincipalName;
	readonly madeAt: Instant;
	/** The run that asks the host; its result are the plan's facts. */
	readonly making: RunId;
	/** The run that applied it. */
	readonly run: RunId | null;
}

/** One thing that a due time asked for and that has not been recorded as a run yet. */
export interface Waiting {
	readonly host: HostName;
	readonly resource: ResourceId;
	readonly dueAt: Instant;
	readonly startBy: Instant;
	/** The schedule's, when it came due. */
	readonly era?: number;
}

export interface ScheduleRecord extends NewSchedule {
	readonly addedAt: Instant;
	readonly addedBy: PrincipalName;
	readonly lastDueAt: Instant | null;
	/** The next due time by its cron fields, without jitter. */
	readonly nextDueAt: Instant | null;
	/** When it will really begin: `nextDueAt` and the jitter drawn for it. */
	readonly fireAt: Instant | null;
	/** When that was decided, by the clock and by one that nobody sets; absent where the machine was started since the last run. */
	readonly plannedAt?: SteadyMoment & { readonly at: Instant };
	/** How often the clock was set back so far that due times count anew. */
	readonly era?: number;
	readonly paused: boolean;
	readonly waiting: readonly Waiting[];
}

export interface HostRecord {
	readonly host: HostName;
	/** Ed25519, SPKI in base64: as admitted, or as first heard. */
	readonly publicKey: string | null;
	readonly admittedAt: Instant | null;
	readonly journal: string | null;
	readonly heardAt: Instant | null;
	readonly description: Description | null;
	readonly inventory: Inventory | null;
}

export interface ResourceRecord {
	readonly host: HostName;
	readonly resource: ResourceId;
	readonly firstSeenAt: Instant;
	readonly state: ResourceState | null;
	readonly archives: readonly ArchiveSummary[];
}

export interface AccountRecord {
	readonly username: string;
	readonly role: Role;
	/** As `broker/accounts.ts` writes it. */
	readonly passwordHash: string;
	readonly madeAt: Instant;
}

export interface InvitationRecord {
	readonly secretHash: string;
	readonly host: HostName;
	readonly expiresMs: number;
	readonly usedAt: Instant | null;
}
