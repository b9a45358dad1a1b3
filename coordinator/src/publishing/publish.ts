import {
	type HostName,
	instantOf,
	type Presence,
	type PrincipalName,
	type ResourceId,
	type ResourceStatus,
	type Response,
	type Run,
	wholeHost,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { HostEntry } from "../fleet/fleet.ts";
import { nextDueOf, overdueAtMs } from "../schedules/overdue.ts";

/** Says how a run is, and what Home Assistant shows of its resource. */
export function publishRun(core: Core, run: Run): void {
	core.send({
		topic: core.topics.run(run.run),
		payload: JSON.stringify(run),
		retain: true,
		expirySeconds: Math.ceil(core.limits.runRetentionSeconds),
	});
	core.changes.run(run.run);
	const whole = core.runs.wholeOf(run.run);
	if (whole !== undefined) core.changes.run(whole);
	core.changes.resource(run.host, run.resource);
	publishStatus(core, run.host, run.resource);
}

/** Clears ended runs that have stood on the broker long enough; the history keeps them. */
export function clearOldRuns(core: Core): void {
	const endedBefore = core.now() - core.limits.runRetentionSeconds * 1000;
	for (const { run } of core.history.runs.published(endedBefore)) {
		core.send({ topic: core.topics.run(run.run), payload: "", retain: true });
		core.history.write("cleared", () => core.history.runs.clear(run.run));
	}
}

/** A report that comes later is of no command, and harmless. */
const answersKeptMs = 10 * 60_000;

/** Forgets what hosts answered to questions that only look: it was read when it came, and each may hold hundreds of names. */
export function forgetOldAnswers(core: Core): void {
	const old = core.history.answers.endedBefore(core.now() - answersKeptMs);
	if (old.length === 0) return;
	core.history.write("cleared", () => {
		for (const run of old) core.history.answers.forget(run);
	});
}

/** Publishes the status of a resource when it differs from what was published last. */
export function publishStatus(core: Core, host: HostName, resource: ResourceId): void {
	if (!isShown(core, host, resource)) return;
	const topic = core.topics.resourceStatus(host, resource);
	const { at, ...status } = statusOf(core, host, resource);
	const text = JSON.stringify(status);
	if (core.statuses.get(topic) === text) return;
	core.statuses.set(topic, text);
	core.send({ topic, payload: JSON.stringify({ ...status, at }), retain: true });
	core.changes.resource(host, resource);
}

/** A host as a whole is shown as long as its name is known. */
function isShown(core: Core, host: HostName, resource: ResourceId): boolean {
	if (resource === wholeHost(host)) return core.fleet.find(host) !== undefined;
	return core.fleet.resource(host, resource) !== undefined;
}

/** The status of everything on a host, and of the host as a whole. */
export function publishHost(core: Core, { record: { host }, resources }: HostEntry): void {
	for (const resource of resources.keys()) publishStatus(core, host, resource);
	publishStatus(core, host, wholeHost(host));
}

export function clearStatus(core: Core, host: HostName, resource: ResourceId): void {
	const topic = core.topics.resourceStatus(host, resource);
	core.statuses.delete(topic);
	core.refusals.delete(topic);
	core.send({ topic, payload: "", retain: true });
	core.changes.host(host);
}

/** A press was refused; shown until the next one is taken. */
export function publishRefusal(core: Core, host: HostName, { resource, reason }: Refusal): void {
	core.refusals.set(core.topics.resourceStatus(host, resource), reason);
	publishStatus(core, host, resource);
}

interface Refusal {
	readonly resource: ResourceId;
	readonly reason: string;
}

/** Everything retained, again: the broker may have forgotten it. */
export function publishEverything(core: Core): void {
	core.statuses.clear();
	for (const entry of core.fleet.hosts()) publishHost(core, entry);
	for (const { run } of core.history.runs.published(Number.MAX_SAFE_INTEGER)) publishRun(core, run);
	for (const { run, hidden } of [...core.runs.openWholes(), ...core.runs.open()])
		if (!hidden) publishRun(core, run);
}

/** Tells the asker on the broker. */
export function publishResponse(core: Core, principal: PrincipalName, response: Response): void {
	core.send({ topic: core.topics.response(principal), payload: JSON.stringify(response) });
}

/** What stands on `coordinator/presence`, and as its will. */
export function presenceOf(
	core: Core,
	{ state, session }: Pick<Presence, "state" | "session">,
): { topic: string; payload: string } {
	const presence = { version: 1, state, session, at: instantOf(core.now()), epoch: core.history.epoch };
	return { topic: core.topics.coordinatorPresence(), payload: JSON.stringify(presence) };
}

function statusOf(core: Core, host: HostName, resource: ResourceId): ResourceStatus {
	const run = core.runs.newest(host, resource).get("backup");
	const refusal = core.refusals.get(core.topics.resourceStatus(host, resource));
	const overdueMs = overdueAtMs(core, host, resource);
	const nextDueAt = nextDueOf(core, host, resource);
	return {
		version: 1,
		host,
		resource,
		backup: refusal === undefined ? (run?.state ?? "idle") : "rejected",
		run: refusal === undefined ? (run?.run ?? null) : null,
		reason: (refusal ?? run?.failure?.message ?? run?.progress?.waitingFor ?? null)?.slice(0, 200) ?? null,
		progress: refusal === undefined ? (run?.progress ?? null) : null,
		overdue: overdueMs !== undefined && overdueMs <= core.now(),
		nextDueAt: nextDueAt ?? null,
		at: instantOf(core.now()),
	};
}
