import { type ArchiveSummary, type HostName, type Instant, isGood, type ResourceId } from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { ResourceEntry } from "../fleet/fleet.ts";
import { isWholeStack, stacksAround } from "../wholes/parts-of-host.ts";
import type { Schedule } from "./book.ts";

const dayMs = 24 * 3_600_000;

/**
 * The schedules of a resource. A volume without a name of its own and a stack that cannot be read are not part of everything on a host;
 * into a repository no stack goes as a whole.
 */
export function schedulesOf(core: Core, host: HostName, resource: ResourceId): Schedule[] {
	const listed = core.fleet.resource(host, resource)?.listed;
	const schedules = core.schedules.of(host, resource);
	if (listed === undefined) return schedules;
	const isStack = resource.startsWith("stack:");
	const isLeftOut = listed.anonymous || (isStack && !isWholeStack(listed));
	return schedules.filter(
		(schedule) =>
			!isOfWholeHost(schedule) || !(isLeftOut || (isStack && schedule.record.repository !== undefined)),
	);
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
		const isInStack = isOfWholeHost(schedule) && schedule.record.repository === undefined;
		const inStack = isInStack ? lastGoodInStack(core, host, resource) : undefined;
		const good = [
			...goodTimesOf(entry, schedule),
			...(inStack === undefined ? [] : [inStack.archive.takenAt]),
		];
		const atMs = overdueAfter(core, [entry.firstSeenAt, ...good], schedule);
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

/** The newest good archive of a stack that holds a volume or folder: where everything on a host is backed up, it is in there. */
export function lastGoodInStack(
	core: Core,
	host: HostName,
	resource: ResourceId,
): { readonly stack: ResourceId; readonly archive: ArchiveSummary } | undefined {
	const entry = core.fleet.find(host);
	const stacks = entry === undefined ? [] : stacksAround(entry, resource);
	const found = stacks.flatMap((stack) => {
		const known = entry?.resources.get(stack);
		const archive = known === undefined ? null : lastGoodOf(known);
		return archive === null ? [] : [{ stack, archive }];
	});
	return found.sort((one, other) => (one.archive.takenAt < other.archive.takenAt ? 1 : -1))[0];
}

function isOfWholeHost({ record }: Schedule): boolean {
	return record.target.endsWith("/*");
}

/** From when on a schedule is overdue that was last satisfied at the latest of these times. */
export function overdueAfter(
	core: Core,
	coveredAt: readonly string[],
	{ record, calendar }: Schedule,
): number | undefined {
	const times = [record.addedAt, ...coveredAt].map((at) => Date.parse(at));
	// A date in the future was written by a wrong clock: it must not keep a resource from being overdue for years.
	const coveredMs = Math.max(0, ...times.filter((atMs) => atMs <= core.now() + dayMs));
	const dueMs = calendar.next(coveredMs);
	if (dueMs === undefined) return undefined;
	const intervalMs = (calendar.next(dueMs) ?? dueMs) - dueMs;
	const marginMs = Math.max(core.limits.overdueMarginSeconds * 1000, intervalMs / 10);
	return dueMs + record.jitterSeconds * 1000 + marginMs;
}

/** What goes into a repository is missing there, however many archives lie elsewhere. */
function goodTimesOf(
	{ state, archives }: ResourceEntry,
	{ record: { repository } }: Schedule,
): readonly string[] {
	const known = state?.lastGoodBackup ?? null;
	return [...archives.filter(isGood), ...(known === null ? [] : [known])]
		.filter((archive) => repository === undefined || archive.repository === repository)
		.map(({ takenAt }) => takenAt);
}
