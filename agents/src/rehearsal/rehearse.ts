import { generateKeyPairSync } from "node:crypto";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	type Command,
	type CommandId,
	FolderPath,
	HostName,
	instantOf,
	newId,
	Report,
	type ResourceId,
	type RunCommand,
	RunId,
	resourceId,
	SiteName,
	Sync,
	sealCommand,
	topicsOf,
} from "@davit/protocol";
import { AgentCore } from "../core/agent-core.ts";
import type { Database } from "../journal/database.ts";
import { Journal } from "../journal/journal.ts";
import { undoPointsOf } from "../journal/kept-undos.ts";
import type { Handlers, OperationContext } from "../operation.ts";
import type { Wait } from "../running/persist.ts";
import { type Disturb, toyHandlers } from "./toy-operations.ts";

process.setMaxListeners(0);

export const site = SiteName.parse("home");
export const host = HostName.parse("nas");
export const key = { id: "0011223344556677", ...generateKeyPairSync("ed25519") };
export const topics = topicsOf(site);

const longestPauseMs = 60_000;

/** A disk that is never waited for: these tests live thousands of lives and never cut the power. */
const memory = "/dev/shm";

/** Pauses pass at once, limits never. */
export const hurriedWait: Wait = (durationMs, signal) =>
	new Promise((resolve, reject) => {
		const stop = (): void => reject(signal.reason);
		if (signal.aborted) return stop();
		signal.addEventListener("abort", stop, { once: true });
		if (durationMs <= longestPauseMs) setImmediate(resolve);
	});

/** What dies when a test says so. */
export class Crash extends Error {}

export interface Rehearsed {
	/** Where its journal and its one folder are; a new one where it is not given. */
	readonly stage?: Stage;
	readonly disturb?: Disturb;
	readonly handlers?: Handlers;
	readonly onWrite?: (point: string) => void;
	readonly freeBytes?: () => number;
	readonly database?: Database;
	readonly clock?: { nowMs: number };
}

export interface Stage {
	readonly home: string;
	readonly folder: FolderPath;
	readonly resource: ResourceId;
}

/** A folder with old content and a running writer. */
export function setStage(): Stage {
	const home = mkdtempSync(join(existsSync(memory) ? memory : tmpdir(), "davit-rehearsal-"));
	process.once("exit", () => rmSync(home, { recursive: true, force: true }));
	const folder = FolderPath.parse(home);
	writeFileSync(join(folder, "content"), "old");
	writeFileSync(join(folder, "running"), "");
	return { home, folder, resource: resourceId({ kind: "path", path: folder }) };
}

/** The core of an agent whose messages a test reads, and a coordinator's hand that writes it commands. */
export function rehearse(given: Rehearsed = {}) {
	const stage = given.stage ?? setStage();
	const clock = given.clock ?? { nowMs: Date.UTC(2026, 10, 22) };
	const sent: { topic: string; payload: string }[] = [];
	const fatal: unknown[] = [];
	const journal = Journal.open({
		file: join(stage.home, "journal.sqlite"),
		now: () => clock.nowMs,
		reserveBytes: 1,
		onWrite: given.onWrite,
		freeBytes: given.freeBytes,
		database: given.database,
	});
	const core = new AgentCore({
		site,
		host,
		coordinatorKey: key.publicKey,
		journal,
		handlers: given.handlers ?? toyHandlers(given.disturb),
		now: () => clock.nowMs,
		elapsedMs: () => clock.nowMs,
		wait: hurriedWait,
		log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
		send: (topic, payload) => sent.push({ topic, payload }),
		onActivity: ignore,
		onFatal: (error) => fatal.push(error),
		contextFor: (given) => {
			const undoPoints = undoPointsOf(journal, { now: () => clock.nowMs, servedMs: () => clock.nowMs });
			// The toys ask for nothing else of their context.
			return { ...given, site, host, undoPoints, now: () => clock.nowMs } as OperationContext;
		},
	});
	const payloadsOn = (topic: string): unknown[] =>
		sent.filter((message) => message.topic === topic).map(({ payload }) => JSON.parse(payload));
	const receive = (command: Command | string, retain = false): void => {
		const text = typeof command === "string" ? command : sealCommand(command, key);
		core.receive({ topic: topics.command(host), payload: Buffer.from(text), retain });
	};
	return {
		...{ stage, clock, journal, core, sent, fatal, receive },
		reports: (command?: CommandId): Report[] =>
			payloadsOn(topics.report(host))
				.map((payload) => Report.parse(payload))
				.filter((report) => command === undefined || report.command === command),
		syncs: (): Sync[] => payloadsOn(topics.sync(host)).map((payload) => Sync.parse(payload)),
		/** Connects, and is greeted. */
		greet(fences: Record<string, number> = {}, offsetMs = 0): void {
			const session = newId();
			core.connected(session);
			receive({ ...head(clock.nowMs + offsetMs), kind: "welcome", session, fences });
		},
		/** Ends without a goodbye, as a kill does. */
		crash(): void {
			core.abandon(new Crash("killed"));
			journal[Symbol.dispose]();
		},
	};
}

export function head(nowMs: number) {
	return {
		...{ version: 1 as const, id: newId(), site, host, epoch: 1 },
		...{ issuedAt: instantOf(nowMs), startBy: instantOf(nowMs + 60_000) },
	};
}

/** A restore of the stage's folder. */
export function restoreOf(stage: Stage, nowMs: number, changes: Partial<RunCommand> = {}): RunCommand {
	return {
		...head(nowMs),
		kind: "run",
		run: RunId.parse("raaaaaaaa"),
		operation: "path.restore",
		resource: stage.resource,
		fence: 1,
		params: { path: stage.folder, archive: "0123456789", plan: "0".repeat(64) },
		deadlineSeconds: 3_600,
		...changes,
	};
}

function ignore(): void {
	// The test looks elsewhere.
}
