import { z } from "zod";
import { FailureReport } from "./failures.ts";
import { CommandId, HostName, Instant, RunId } from "./vocabulary.ts";

/** How far an operation has come. */
export const Progress = z.object({
	/** What is being done now: `copy`, `verify`, `swap` … */
	step: z.string().max(64),
	bytes: z.int().nonnegative(),
	totalBytes: z.int().nonnegative().optional(),
	bytesPerSecond: z.number().nonnegative().optional(),
	/** Why it can neither go on nor back for now, in a sentence; services may be down meanwhile. */
	waitingFor: z.string().max(300).optional(),
});
export type Progress = z.infer<typeof Progress>;

const finalStates = ["succeeded", "partial", "failed", "rejected", "cancelled", "inconsistent"] as const;

/** `partial` = done, with something left out; `rejected` = never begun; `inconsistent` = a person is needed. */
export const ReportState = z.enum(["accepted", "running", ...finalStates]);
export type ReportState = z.infer<typeof ReportState>;
export type FinalState = (typeof finalStates)[number];

export function isFinal(state: string): state is FinalState {
	return finalStates.some((final) => final === state);
}

/** What an agent says of a command. `sequence` rises by one with each report of the command; a final one ends it. */
export const Report = z.object({
	version: z.literal(1),
	command: CommandId,
	run: RunId.optional(),
	host: HostName,
	/** The agent's life: rises by one with each start. */
	agentEpoch: z.int().nonnegative(),
	sequence: z.int().nonnegative(),
	state: ReportState,
	at: Instant,
	progress: Progress.optional(),
	failure: FailureReport.optional(),
	/** The operation's result as its catalogue entry defines it. */
	result: z.record(z.string(), z.unknown()).optional(),
});
export type Report = z.infer<typeof Report>;

/** What an agent says at birth: what it holds, so that both sides agree again. */
export const Sync = z.object({
	version: z.literal(1),
	host: HostName,
	/** A fresh random text for each connection. */
	session: z.string().max(64),
	/** The journal's own id; a new one means that the agent's memory was lost. */
	journal: z.string().max(64),
	agentEpoch: z.int().nonnegative(),
	/** The highest coordinator's epoch it has obeyed. */
	coordinatorEpoch: z.int().nonnegative(),
	/** Commands that have no final report yet, and those whose final report has no receipt yet. */
	open: z
		.array(z.object({ command: CommandId, state: ReportState, sequence: z.int().nonnegative() }))
		.max(500),
	at: Instant,
});
export type Sync = z.infer<typeof Sync>;
