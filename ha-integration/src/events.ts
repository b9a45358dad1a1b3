import {
	HostName,
	Instant,
	isEnded,
	isWorkName,
	ResourceId,
	type Run,
	RunId,
	type Verb,
	verbOf,
} from "@davit/protocol";
import { z } from "zod";
import { type EventType, eventTypes } from "./entities/job-event.ts";

/** What ended, once, with its own times; kept until Home Assistant has had it. */
export const JobEvent = z.object({
	run: RunId,
	host: HostName,
	resource: ResourceId,
	type: z.enum(eventTypes),
	startedAt: Instant,
	finishedAt: Instant,
	reason: z.string().nullable(),
	message: z.string().nullable(),
	askedBy: z.string(),
});
export type JobEvent = z.infer<typeof JobEvent>;

const named: Partial<Record<Verb, { done: EventType; failed: EventType }>> = {
	backup: { done: "backup_completed", failed: "backup_failed" },
	verify: { done: "verify_completed", failed: "verify_failed" },
	drill: { done: "drill_completed", failed: "drill_failed" },
	restore: { done: "restore_completed", failed: "restore_failed" },
	undo: { done: "restore_completed", failed: "restore_failed" },
};

/**
 * The event of a run that ended, or undefined where automations have nothing to hear: still open, cancelled by a person, or
 * refused because the same resource was busy. `partial` counts as failed: something was left out.
 */
export function eventOf(run: Run): JobEvent | undefined {
	if (!isEnded(run.state) || run.state === "cancelled" || !isWorkName(run.operation)) return undefined;
	if (run.state === "rejected" && run.failure?.code === "resource-busy") return undefined;
	const names = named[verbOf(run.operation)];
	if (names === undefined) return undefined;
	return {
		run: run.run,
		host: run.host,
		resource: run.resource,
		type: run.state === "succeeded" ? names.done : names.failed,
		startedAt: run.startedAt ?? run.askedAt,
		finishedAt: run.endedAt ?? run.askedAt,
		reason: run.failure?.code ?? (run.state === "succeeded" ? null : run.state),
		message: run.failure?.message.slice(0, 500) ?? null,
		askedBy: run.askedBy,
	};
}

/** The event entity's message. Never retained: Home Assistant ignores retained events. */
export function eventMessage(event: JobEvent, replayed: boolean): string {
	return JSON.stringify({
		event_type: event.type,
		run: event.run,
		host: event.host,
		resource: event.resource,
		started_at: event.startedAt,
		finished_at: event.finishedAt,
		reason: event.reason,
		message: event.message,
		asked_by: event.askedBy,
		replayed,
	});
}
