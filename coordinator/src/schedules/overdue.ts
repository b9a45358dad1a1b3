import { type ArchiveSummary, type HostName, type Instant, isGood, type ResourceId } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { ResourceEntry } from "../fleet/fleet.ts";
import type { Schedule } from "./book.ts";

const dayMs = 24 * 3_600_000;

/** The schedules of a resource; one without a name of its own is not part of everything on a host. */
export function schedulesOf(core: Core, host: HostName, resource: ResourceId): Schedule[] {
	const isAnonymous = core.fleet.resource(host, resource)?.listed?.anonymous ?? false;
	const schedules = core.schedules.of(host, resource);
	return isAnonymous ? schedules.filter(({ record }) => !record.target.endsWith("/*")) : schedules;
}

/** When a resource is backed up next. */
export function nextDueOf(core: Core, host: HostName, resource: ResourceId): Instant | undefined {
	const times = schedulesOf(core, host, resource).flatMap(({ record }) => record.nextDueAt ?? []);
	return times.sort()[0];
}

/**
 * From when on a resource is overdue, milliseconds since 1970: the first due time after its newest good archive, and the margin;
 * undefined where nothing is scheduled.
 */
export function overdueAtMs(core: Core, host: HostName, resource: ResourceId): number | undefined {
	const entry = core.fleet.resource(host, resource);
	if (entry === undefined) return undefined;
	const times = schedulesOf(core, host, resource).flatMap((schedule) => {
		const atMs = overdueBySchedule(core, entry, schedule);
		return atMs === undefined ? [] : [atMs];
	});
	return times.length === 0 ? undefined : Math.min(...times);
}

/** The newest archive that is complete and verified, as its host says; `archives` are newest first. */
export function lastGoodOf({
	state,
	archives,
}: Pick<ResourceEntry, "state" | "archives">): ArchiveSummary | null {
	const listed = archives.find(isGood);
	const known = state?.lastGoodBackup ?? null;
	if (listed === undefined || known === null) return listed ?? known;
	return listed.takenAt < known.takenAt ? known : listed;
}

function overdueBySchedule(core: Core, entry: ResourceEntry, schedule: Schedule): number | undefined {
	const { record, calendar } = schedule;
	const times = [record.addedAt, entry.firstSeenAt, ...goodTimesOf(entry)].map((at) => Date.parse(at));
	// A date in the future was written by a wrong clock: it must not keep a resource from being overdue for years.
	const coveredMs = Math.max(0, ...times.filter((atMs) => atMs <= core.now() + dayMs));
	const dueMs = calendar.next(coveredMs);
	if (dueMs === undefined) return undefined;
	const intervalMs = (calendar.next(dueMs) ?? dueMs) - dueMs;
	const marginMs = Math.max(core.limits.overdueMarginSeconds * 1000, intervalMs / 10);
	return dueMs + record.jitterSeconds * 1000 + marginMs;
}

function goodTimesOf({ state, archives }: ResourceEntry): readonly string[] {
	const known = state?.lastGoodBackup ?? null;
	return [...archives.filter(isGood), ...(known === null ? [] : [known])].map(({ takenAt }) => takenAt);
}
