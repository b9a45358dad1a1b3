import {
	type ArchiveDocument,
	type HostDocument,
	instantOf,
	isEnded,
	isFinal,
	isWorkflowName,
	OperationError,
	type ResourceDocument,
	type ResourceState,
	RestoreResult,
	type Run,
	type RunDocument,
	type RunPart,
	resourceKey,
	type ScheduleDocument,
	type UndoPoint,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import { isWhole, type PartRecord } from "../history/records.ts";
import { findHost, shown } from "../requests/names.ts";
import { schedulesOf } from "../schedules/overdue.ts";
import { stateOfPart } from "../wholes/advance.ts";
import { findRunId, resolveAddress } from "./addresses.ts";
import { archiveRow, archiveTellers, type FoundArchive, findArchive } from "./archive-row.ts";
import { hostRow } from "./host-row.ts";
import { scheduleRow } from "./lists.ts";
import { resourceRow, resourceRows } from "./resource-row.ts";

const runsShown = 50;
const upcomingShown = 10;

export function hostDocument(core: Core, name: string): HostDocument {
	const entry = findHost(core, name);
	const { description, inventory, publicKey } = entry.record;
	const resources = resourceRows(core, entry);
	return {
		schema: "davit/host/1",
		asOf: instantOf(core.now()),
		row: hostRow(core, entry, resources),
		capabilities: description?.capabilities ?? [],
		resources,
		containers: inventory?.containers ?? [],
		publicKey,
		archivesPath: description?.archivesPath ?? null,
		inventoryAt: inventory?.at ?? null,
	};
}

/** `resource` may be the id or the name. @throws OperationError host-not-found | resource-not-found | resource-ambiguous */
export function resourceDocument(core: Core, host: string, resource: string): ResourceDocument {
	const entry = findHost(core, host);
	const found = resolveAddress(core, `${host}/${resource}`);
	const known = found.resource === null ? undefined : entry.resources.get(found.resource);
	if (known === undefined) {
		throw new OperationError("resource-not-found", `${host} has no ${shown(resource)}`);
	}
	const tellers = archiveTellers(core);
	const { runs } = core.history.runs.list({
		...{ host: entry.record.host, resource: known.id },
		...{ limit: runsShown, offset: 0 },
	});
	return {
		schema: "davit/resource/1",
		asOf: instantOf(core.now()),
		row: resourceRow(core, entry, known),
		inventory: known.listed ?? null,
		archives: known.archives.map((archive) =>
			archiveRow({ host: entry.record.host, resource: known.id, archive }, tellers),
		),
		runs: runs.map((run) => core.runs.find(run.run)?.run ?? run),
		schedules: schedulesOf(core, entry.record.host, known.id).map((one) => scheduleRow(core, one)),
		undo: liveUndo(core, known.state?.undo ?? null),
		restoreDowntimeSeconds: downtimeSeconds(
			runs.find(({ operation, state }) => /\.(restore|undo)$/.test(operation) && state === "succeeded"),
		),
	};
}

/** `id` may be a unique beginning of 4 digits or more. @throws OperationError archive-not-found | archive-ambiguous */
export function archiveDocument(core: Core, id: string): ArchiveDocument {
	const found = findArchive(core, id);
	const entry = findHost(core, found.host);
	const known = entry.resources.get(found.resource);
	return {
		schema: "davit/archive/1",
		asOf: instantOf(core.now()),
		row: archiveRow(found, archiveTellers(core)),
		path: folderOf(entry.record.description?.archivesPath, found),
		resourceRow: known === undefined ? null : resourceRow(core, entry, known),
	};
}

/** @throws OperationError run-not-found */
export function runDocument(core: Core, id: string): RunDocument {
	const run = findRunId(core, id);
	const record = run === undefined ? undefined : core.runs.find(run);
	if (record === undefined) throw new OperationError("run-not-found", `no run is called ${shown(id)}`);
	const { run: known } = record;
	const state = core.fleet.resource(known.host, known.resource)?.state;
	return {
		schema: "davit/run/1",
		asOf: instantOf(core.now()),
		run: known,
		steps: core.history.runs.steps(known.run),
		cancel: cancelSentence(known),
		undo: isWhole(record) ? null : liveUndo(core, undoOf(record, state)),
		downtimeSeconds: downtimeSeconds(known),
		...(isWhole(record) ? { parts: record.parts.map((part) => partDocument(core, part)) } : {}),
	};
}

function partDocument(core: Core, part: PartRecord): RunPart {
	const run = part.run === null ? null : (core.runs.find(part.run)?.run ?? null);
	const failure = part.ended?.failure ?? run?.failure ?? null;
	return { resource: part.resource, state: stateOfPart(core, part), run, failure };
}

/** @throws OperationError schedule-not-found */
export function scheduleDocument(core: Core, name: string): ScheduleDocument {
	const schedule = core.schedules.find(name);
	if (schedule === undefined) {
		throw new OperationError("schedule-not-found", `no schedule is called ${shown(name)}`, {
			candidates: core.schedules.all().map(({ record }) => record.name),
		});
	}
	const upcoming: number[] = [];
	while (upcoming.length < upcomingShown) {
		const next = schedule.calendar.next(upcoming.at(-1) ?? core.now());
		if (next === undefined) break;
		upcoming.push(next);
	}
	return {
		schema: "davit/schedule/1",
		asOf: instantOf(core.now()),
		row: scheduleRow(core, schedule),
		upcoming: upcoming.map(instantOf),
	};
}

/** As docs/design.md lays archives out. */
function folderOf(archivesPath: string | undefined, { resource, archive }: FoundArchive): string | null {
	if (archivesPath === undefined) return null;
	const takenAt = archive.takenAt.replace(/\.\d+Z$/, "Z").replaceAll(/[-:]/g, "");
	return `${archivesPath}/${resourceKey(resource)}/${takenAt}-${archive.id}`;
}

function cancelSentence({ state, operation }: Run): string | null {
	if (isEnded(state)) return null;
	if (state === "requested") return "It has not begun; nothing will be changed.";
	if (isWorkflowName(operation)) {
		return "Parts that have not begun never will; the half archives of those under way are removed. What is done stays.";
	}
	return /\.(restore|undo)$/.test(operation)
		? "The old data stays, or is put back, if the new data is not in place yet."
		: "The half archive is removed and its writers go on.";
}

function downtimeSeconds(run: Run | undefined): number | null {
	const downtimeMs = run?.result?.["downtimeMs"];
	return typeof downtimeMs === "number" ? downtimeMs / 1000 : null;
}

/** The undo belongs to the restore that made it; that run's end is heard before its host shows the undo. */
function undoOf(
	{ command, run }: { readonly command: string; readonly run: Run },
	state: ResourceState | null | undefined,
): UndoPoint | null {
	if (state?.undo?.command === command) return state.undo;
	const activity = state?.activity ?? undefined;
	// Ids of commands are ordered by time.
	const isLater = activity !== undefined && activity.command > command;
	const isShown = isLater || (activity?.command === command && isFinal(activity.state));
	const made = isShown ? undefined : RestoreResult.safeParse(run.result).data;
	if (made?.undo === undefined || made.undoUntil === undefined) return null;
	return { command: made.undo, archive: made.archive, until: made.undoUntil };
}

function liveUndo(core: Core, undo: UndoPoint | null): UndoPoint | null {
	return undo !== null && undo.until > instantOf(core.now()) ? undo : null;
}
