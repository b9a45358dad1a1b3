import {
	type ArchivesDocument,
	type HostName,
	type HostsDocument,
	type Instant,
	instantOf,
	type ResourceId,
	type ResourcesDocument,
	type RunsDocument,
	type ScheduleRow,
	type SchedulesDocument,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { Filter } from "../desk.ts";
import type { Schedule } from "../schedules/book.ts";
import { policyOfSchedule } from "../schedules/retention.ts";
import { lastTended, problemOf } from "../schedules/tending.ts";
import { allArchives, archiveRow, archiveTellers } from "./archive-row.ts";
import { hostRow } from "./host-row.ts";
import { resourceRows } from "./resource-row.ts";

const rowsPerPage = 100;

interface Page<Item> {
	asOf: Instant;
	total: number;
	page: number;
	pages: number;
	items: Item[];
}

export function hostsDocument(core: Core, filter: Filter): HostsDocument {
	const rows = [...core.fleet.hosts()]
		.map((entry) => hostRow(core, entry))
		.filter((row) => (filter.host ?? row.host) === row.host && isWanted(filter.state, row.state));
	return { schema: "davit/hosts/1", ...pageOf(core, rows, filter) };
}

export function resourcesDocument(core: Core, filter: Filter): ResourcesDocument {
	const rows = [...core.fleet.hosts()]
		.filter(({ record }) => (filter.host ?? record.host) === record.host)
		.flatMap((entry) => resourceRows(core, entry))
		.filter((row) => isNamed(filter.resource, row.resource) && isWanted(filter.state, row.state));
	return { schema: "davit/resources/1", ...pageOf(core, rows, filter) };
}

/** Newest first. */
export function archivesDocument(core: Core, filter: Filter): ArchivesDocument {
	const archives = allArchives(core);
	const tellers = archiveTellers(core);
	const rows = archives
		.filter(({ host, resource }) => (filter.host ?? host) === host && isNamed(filter.resource, resource))
		.filter(({ archive }) => isWanted(filter.state, archive.damaged ? "damaged" : archive.outcome))
		.sort((one, other) => (one.archive.takenAt < other.archive.takenAt ? 1 : -1));
	const page = pageOf(core, rows, filter);
	return {
		schema: "davit/archives/1",
		...page,
		items: page.items.map((archive) => archiveRow(archive, tellers)),
	};
}

/** Newest first, from the history. */
export function runsDocument(core: Core, filter: Filter): RunsDocument {
	const wanted = Math.max(1, filter.page ?? 1);
	const { runs, total } = core.history.runs.list({
		// Compared as text with what was recorded; a name that is none finds nothing.
		host: filter.host as HostName | undefined,
		resource: filter.resource as ResourceId | undefined,
		states: filter.state?.split(","),
		limit: rowsPerPage,
		offset: (wanted - 1) * rowsPerPage,
	});
	return {
		schema: "davit/runs/1",
		asOf: instantOf(core.now()),
		total,
		page: wanted,
		pages: Math.ceil(total / rowsPerPage),
		items: runs.map((run) => core.runs.find(run.run)?.run ?? run),
	};
}

export function schedulesDocument(core: Core): SchedulesDocument {
	const rows = core.schedules.all().map((schedule) => scheduleRow(core, schedule));
	return {
		schema: "davit/schedules/1",
		...pageOf(core, rows, {}),
		items: rows,
		pages: rows.length > 0 ? 1 : 0,
	};
}

export function scheduleRow(core: Core, schedule: Schedule): ScheduleRow {
	const { record } = schedule;
	const { name, target, cron, timeZone, jitterSeconds, nextDueAt, lastDueAt, paused } = record;
	return {
		...{ name, target, cron, timeZone, jitterSeconds, nextDueAt, lastDueAt, paused },
		...{ task: record.task ?? "backup", repository: record.repository ?? null },
		consistency: record.consistency ?? null,
		keepLast: record.keepLast ?? null,
		policy: policyOfSchedule(record) ?? null,
		lastRun: lastTended(core, record) ?? null,
		problem: problemOf(core, schedule) ?? null,
	};
}

function pageOf<Item>(core: Core, rows: readonly Item[], filter: Filter): Page<Item> {
	const page = Math.max(1, filter.page ?? 1);
	return {
		asOf: instantOf(core.now()),
		total: rows.length,
		page,
		pages: Math.ceil(rows.length / rowsPerPage),
		items: rows.slice((page - 1) * rowsPerPage, page * rowsPerPage),
	};
}

/** `state` may hold several words with commas between. */
function isWanted(wanted: string | undefined, state: string): boolean {
	return wanted === undefined || wanted.split(",").includes(state);
}

/** `wanted` is a resource's id or its name. */
function isNamed(wanted: string | undefined, resource: ResourceId): boolean {
	return wanted === undefined || resource === wanted || resource.slice(resource.indexOf(":") + 1) === wanted;
}
