import type { NewSchedule } from "@davit/coordinator/desk.ts";
import {
	type ArchiveRow,
	Bytes,
	type Instant,
	instantOf,
	isEnded,
	OperationError,
	type PlanDocument,
	PlanId,
	type ResourceRow,
	type Run,
	type RunDocument,
	type RunPart,
	resourceName,
	type ScheduleRow,
	Sha256,
	SiteName,
	StateWord,
	type StatusDocument,
	type UndoPoint,
} from "@davit/protocol";
import { base32, epochMs, type Fleet, uuid } from "./fleet.ts";

const hour = 3_600_000;

export function statusOf(
	{ resources, hosts, runs, schedules }: Fleet,
	{ asOf, isConnected }: { asOf: Instant; isConnected: boolean },
): StatusDocument {
	const counts = Object.fromEntries(
		StateWord.options.map((word) => [word, resources.filter(({ state }) => state === word).length]),
		// Every word of the schema is a key of it.
	) as StatusDocument["counts"];
	const bad = resources.filter(({ state }) => state !== "safe" && state !== "running");
	const worst = StateWord.options.find((word) => bad.some(({ state }) => state === word)) ?? "safe";
	return {
		schema: "davit/status/1",
		asOf,
		site: SiteName.parse("home"),
		verdict: {
			state: worst,
			sentence: `${bad.length} need you. The other ${resources.length - bad.length} of ${resources.length} are safe: backed up in the last 26 h, 3 of them restored in a drill this month.`,
		},
		counts,
		total: resources.length,
		needs: bad.slice(0, 20).map(({ state, address, because }) => ({
			state,
			address,
			sentence: because,
			do: `davit show ${address}`,
		})),
		needsMore: Math.max(0, bad.length - 20),
		now: runs.filter(({ state }) => !isEnded(state)),
		next: schedules.map(({ name, target }) => ({
			at: instantOf(epochMs + 13 * hour),
			schedule: name,
			target,
		})),
		hosts,
		broker: { name: "embedded", protocol: "5", connected: isConnected },
	};
}

export function undoOf(row: ResourceRow, archives: readonly ArchiveRow[]): UndoPoint | null {
	const archive = archives[0];
	if (row.name !== "grafana-data" || archive === undefined) return null;
	return { command: uuid(1), archive: archive.id, until: instantOf(epochMs + 150 * hour) };
}

export function runDocument(run: Run, fleet: Fleet, asOf: Instant): RunDocument {
	const archives = fleet.archives.filter(
		({ host, resource }) => host === run.host && resource === run.resource,
	);
	const archive = archives[0];
	const isUndoable = run.operation.endsWith(".restore") && run.state === "succeeded" && archive !== undefined;
	const steps: RunDocument["steps"] = [
		{ at: run.askedAt, state: "requested", step: null, message: null, code: null },
		{ at: run.askedAt, state: "running", step: "copy", message: "4.1 of 6.7 GB", code: null },
	];
	return {
		schema: "davit/run/1",
		asOf,
		run,
		steps: run.failure === undefined ? steps : [...steps, failedStep(run)],
		cancel: isEnded(run.state) ? null : "what was begun is undone within about 3 s",
		undo: isUndoable
			? { command: uuid(2), archive: archive.id, until: instantOf(epochMs + 150 * hour) }
			: null,
		downtimeSeconds: run.state === "succeeded" ? 1.9 : null,
		...(run.operation === "host.backup" ? { parts: partsOf(run, fleet) } : {}),
	};
}

/** Every resource of its host, with its newest run. */
function partsOf({ host }: Run, fleet: Fleet): RunPart[] {
	return fleet.resources
		.filter((one) => one.host === host)
		.map(({ resource }) => {
			const run = fleet.runs.find((one) => one.host === host && one.resource === resource) ?? null;
			return { resource, run, state: run?.state ?? "requested", failure: run?.failure ?? null };
		});
}

export function planDocument(of: {
	row: ResourceRow;
	archive: ArchiveRow;
	action: "restore" | "undo";
	number: number;
	asOf: Instant;
}): PlanDocument {
	const { row, archive, action, number, asOf } = of;
	const isBlocked = row.name === "photos" || row.state === "partial";
	const blocker = {
		code: "disk-full" as const,
		message: "the restore needs 2.1 GB and 1.0 GB are free",
		hint: "free space on that disk, then try again",
		retryable: true,
	};
	return {
		schema: "davit/plan/1",
		asOf,
		plan: PlanId.parse(`p${base32(number + 1)}`),
		host: row.host,
		expiresAt: instantOf(epochMs + 900_000),
		state: isBlocked ? "blocked" : "ready",
		confirm: resourceName(row.resource),
		facts: {
			resource: row.resource,
			action,
			archive: archive.id,
			contentAt: archive.takenAt,
			stops: [{ name: "grafana", state: "running" }],
			replaces: 1204,
			adds: 3,
			removes: 1,
			examples: {
				replaces: ["grafana.db"],
				adds: [],
				removes: ['a\n\u202Egpj.<img src=x onerror=alert(1)>".png'],
			},
			needsBytes: Bytes.parse(2_100_000_000),
			freeBytes: Bytes.parse(412_000_000_000),
			downtimeSeconds: 9.4,
			undoSeconds: 604_800,
			blockers: isBlocked ? [blocker] : [],
			digest: Sha256.parse("0".repeat(64)),
		},
		run: null,
	};
}

export function scheduleOf({ schedules }: Fleet, name: string): ScheduleRow {
	const found = schedules.find((one) => one.name === name);
	if (found === undefined) throw new OperationError("schedule-not-found", `no schedule is called ${name}`);
	return found;
}

export function scheduleRow({
	consistency,
	keepLast,
	policy,
	task,
	repository,
	...rest
}: NewSchedule): ScheduleRow {
	return {
		...rest,
		...{ task: task ?? "backup", repository: repository ?? null, lastRun: null, problem: null },
		consistency: consistency ?? null,
		keepLast: keepLast ?? null,
		policy: policy ?? (keepLast === undefined ? null : { last: keepLast }),
		nextDueAt: instantOf(epochMs + hour),
		lastDueAt: null,
		paused: false,
	};
}

function failedStep({ endedAt, askedAt, failure }: Run): RunDocument["steps"][number] {
	return {
		at: endedAt ?? askedAt,
		state: "failed",
		step: "copy",
		message: failure?.message ?? null,
		code: failure?.code ?? null,
	};
}
