import { generateKeyPairSync } from "node:crypto";
import {
	type ArchiveSummary,
	type Command,
	HostName,
	instantOf,
	type Logger,
	openCommand,
	PrincipalName,
	type Report,
	type Request,
	type ResourceId,
	type RunCommand,
	readPublicKey,
	ResourceId as resourceId,
	SiteName,
	type Sync,
	topicsOf,
} from "@davit/protocol";
import type { Outgoing } from "../core/context.ts";
import { CoordinatorCore } from "../core/core.ts";
import type { Database } from "../history/database.ts";
import { type OnWrite, openHistory } from "../history/history.ts";
import { signingKeyOf } from "../keys.ts";
import type { SteadyMoment } from "../schedules/read-steady-clock.ts";

export const site = SiteName.parse("home");
export const nas = HostName.parse("nas");
export const attic = HostName.parse("attic");
export const operator = PrincipalName.parse("operator");
export const homeAssistant = PrincipalName.parse("home-assistant");
export const schedule = PrincipalName.parse("schedule");
export const grafana = resourceId.parse("volume:grafana-data");
export const startMs = Date.parse("2026-11-22T12:00:00.000Z");

const key = signingKeyOf(generateKeyPairSync("ed25519").privateKey);
const publicKey = readPublicKey(key.publicKey);

/** One life of the coordinator's core over a history, with a clock that the test moves and a wire that it reads. */
export class Stage implements Disposable {
	readonly core: CoordinatorCore;
	readonly sent: Outgoing[] = [];
	readonly warnings: string[] = [];
	readonly topics = topicsOf(site);
	readonly #history: ReturnType<typeof openHistory>;
	nowMs: number;
	/** What no setting of the clock moves. */
	steady: SteadyMoment;

	constructor(
		options: {
			file?: string;
			nowMs?: number;
			/** Another than in the life before: the machine was started in between. */
			steady?: SteadyMoment;
			onWrite?: OnWrite;
			random?: () => number;
			hasKit?: boolean;
			/** Outlives the stage, as a file does; without waiting for a disk. */
			database?: Database;
		} = {},
	) {
		this.nowMs = options.nowMs ?? startMs;
		this.steady = options.steady ?? { since: "first boot", ms: 0 };
		const now = () => this.nowMs;
		const warn = (_context: object, sentence: string) => this.warnings.push(sentence);
		const quiet = () => undefined;
		const log: Logger = { debug: quiet, info: quiet, warn, error: warn };
		this.#history = openHistory({
			...{ file: options.file ?? ":memory:", now, onWrite: options.onWrite, database: options.database },
		});
		this.core = new CoordinatorCore({
			...{ site, key, now, log, history: this.#history },
			steady: () => this.steady,
			session: "this-life",
			random: options.random ?? Math.random,
			send: (outgoing) => this.sent.push(outgoing),
			...(options.hasKit === true ? { recoveryRecipients: () => [`age1${"q".repeat(58)}`] } : {}),
			limits: {
				...{ offlineGraceSeconds: 30, overdueMarginSeconds: 3 * 3600 },
				...{ runRetentionSeconds: 7 * 86_400, deadlineSeconds: 3600 },
			},
		});
		this.core.load();
	}

	[Symbol.dispose](): void {
		this.#history.close();
	}

	/** Lets time pass and ticks once a second. */
	pass(seconds: number): void {
		for (let left = seconds; left > 0; left -= 1) this.jump(Math.min(left, 1));
	}

	/** Lets time pass at once, then ticks. */
	jump(seconds: number): void {
		this.steady = { ...this.steady, ms: this.steady.ms + seconds * 1000 };
		this.setClock(seconds);
	}

	/** Sets the clock without that time passing, then ticks. */
	setClock(seconds: number): void {
		this.nowMs += seconds * 1000;
		this.core.tick();
	}

	receive(topic: string, document: unknown, retain = false): void {
		this.core.receive({ topic, payload: Buffer.from(JSON.stringify(document)), retain });
	}

	/** A host comes with these volumes. */
	host(host: HostName, volumes: readonly ResourceId[] = [grafana], session = "s1"): void {
		this.presence(host, "online", session);
		this.receive(this.topics.inventory(host), {
			...{ version: 1, host, containers: [], truncated: false, at: instantOf(this.nowMs) },
			resources: volumes.map((id) => ({ id, anonymous: false, consistency: "paused", users: [] })),
		});
	}

	presence(host: HostName, state: "online" | "offline", session = "s1"): void {
		const at = instantOf(this.nowMs);
		this.receive(this.topics.presence(host), { version: 1, state, session, at, epoch: 1 });
	}

	archives(host: HostName, resource: ResourceId, archives: readonly ArchiveSummary[]): void {
		const at = instantOf(this.nowMs);
		this.receive(this.topics.resourceArchives(host, resource), { version: 1, host, resource, archives, at });
	}

	report(
		command: RunCommand["id"],
		said: Partial<Report> & Pick<Report, "state" | "sequence">,
		host = nas,
	): void {
		const at = instantOf(this.nowMs);
		this.receive(this.topics.report(host), { version: 1, command, host, agentEpoch: 1, at, ...said });
	}

	sync(host: HostName, { journal = "j1", ...said }: Partial<Sync> = {}): void {
		this.receive(this.topics.sync(host), {
			...{ version: 1, host, session: "s1", journal, agentEpoch: 1, coordinatorEpoch: 0, open: [] },
			at: instantOf(this.nowMs),
			...said,
		});
	}

	ask(request: Partial<Request> = {}, principal = operator) {
		return this.core.ask(
			{
				...{ version: 1, host: nas, operation: "volume.backup", params: { volume: "grafana-data" } },
				...request,
			},
			principal,
		);
	}

	/** Everything that was sent to a host, opened as its agent would. */
	commands(host = nas): Command[] {
		return this.payloads(this.topics.command(host)).map((payload) =>
			openCommand(Buffer.from(payload), { publicKey, site, host }),
		);
	}

	runCommands(host = nas): RunCommand[] {
		return this.commands(host).filter((command) => command.kind === "run");
	}

	/** The commands that were sent, each once, however often it was sent again. */
	begun(host = nas): RunCommand[] {
		return [...new Map(this.runCommands(host).map((command) => [command.id, command])).values()];
	}

	/** The newest command of a run. */
	lastCommand(host = nas): RunCommand {
		const command = this.runCommands(host).at(-1);
		if (command === undefined) throw new Error("no command was sent");
		return command;
	}

	payloads(topic: string): string[] {
		return this.sent.filter((outgoing) => outgoing.topic === topic).map(({ payload }) => payload);
	}

	/** What stands retained on a topic. */
	retained(topic: string): Record<string, unknown> | undefined {
		const text = this.sent.filter((outgoing) => outgoing.retain === true && outgoing.topic === topic).at(-1);
		return text === undefined || text.payload === "" ? undefined : JSON.parse(text.payload);
	}

	status(resource = grafana, host = nas): Record<string, unknown> | undefined {
		return this.retained(this.topics.resourceStatus(host, resource));
	}
}

let archivesMade = 0;

/** An archive as an agent lists it: good, verified, and unlike all others. */
export function archive(takenAtMs: number, change: Partial<ArchiveSummary> = {}): ArchiveSummary {
	archivesMade += 1;
	// The shape that the agent sends; receive() parses it.
	return {
		id: (archivesMade * 0x10_00_01).toString(16).padStart(10, "0"),
		takenAt: instantOf(takenAtMs),
		...{ bytes: 10, contentBytes: 20, entries: 3, consistency: "paused", outcome: "succeeded" },
		...{ damaged: false, fidelity: "full", durationMs: 5, proof: ["taken", "verified"] },
		manifestSha256: "0".repeat(64),
		...change,
	} as ArchiveSummary;
}

/** The result that a good backup ends with. */
export function backupResult(archiveId: string, takenAtMs: number): Record<string, unknown> {
	return {
		archive: archiveId,
		takenAt: instantOf(takenAtMs),
		...{ bytes: 10, contentBytes: 20, entries: 3, consistency: "paused", downtimeMs: 5, durationMs: 9 },
		warnings: [],
	};
}
