import {
	type ArchiveDocument,
	Consistency,
	consistencyPhrases,
	HookReport,
	type HostDocument,
	policyText,
	type ResourceDocument,
	type Run,
	type RunDocument,
	type RunPart,
	type ScheduleDocument,
	type ScheduleRow,
} from "@davit/protocol";
import type { Context } from "../context.ts";
import { archiveTable, keptText, provenRestore, resourceTable, runTable } from "./describe.ts";
import { formatBytes, formatCount, formatInstant, formatRelative, formatSeconds, markOf } from "./format.ts";
import { shortAddress } from "./short-address.ts";
import { plain } from "./table.ts";

/** State sentence, facts, newest archives and runs, and the next command: all of one resource on a screen. */
export function describeResource(document: ResourceDocument, context: Context): string {
	const { row, inventory, undo } = document;
	const users = inventory?.users.map((user) => `${user.container} (${user.state})`) ?? [];
	const facts = [
		["address", row.address],
		["used by", users.length === 0 ? "no container" : users.join(", ")],
		[
			"writers",
			inventory === null ? "unknown" : `${consistencyPhrases[inventory.consistency]} while it is copied`,
		],
		["keeps", row.policy === null ? "all archives" : policyText(row.policy)],
		...(row.hold === null
			? []
			: [["held", `${plain(row.hold.because)}: davit release ${shortAddress(row)}`] as const]),
		["last good", row.lastGoodBackup === null ? "never" : when(row.lastGoodBackup.takenAt, context)],
		["proven", provenRestore(row.lastProvenRestore, context)],
		["next due", row.nextDueAt === null ? "no schedule" : when(row.nextDueAt, context)],
		[
			"undo",
			undo === null
				? "nothing is kept"
				: `until ${when(undo.until, context)}: davit undo ${shortAddress(row)}`,
		],
	] as const;
	const parts = [
		`${markOf(row.state, context.out)} ${shortAddress(row)}: ${row.state}; ${plain(row.because)}`,
		table(facts),
	];
	if (document.archives.length > 0) parts.push(archiveTable(document.archives.slice(0, 10), context));
	if (document.runs.length > 0) parts.push(runTable(document.runs.slice(0, 5), context));
	return parts.join("\n\n");
}

export function describeHost(document: HostDocument, context: Context): string {
	const { row } = document;
	const facts = [
		["heard", row.heardAt === null ? "never" : when(row.heardAt, context)],
		["davit", row.davit ?? "unknown"],
		["engine", row.engine ?? "none"],
		[
			"archives",
			`${document.archivesPath ?? "unknown"} (${row.archivesFreeBytes === null ? "?" : formatBytes(row.archivesFreeBytes)} free)`,
		],
		...document.capabilities.map(
			(capability) =>
				[
					capability.name,
					`${capability.available ? "" : "no: "}${capability.detail}${capability.hint === undefined ? "" : `; ${capability.hint}`}`,
				] as const,
		),
	] as const;
	const parts = [
		`${markOf(row.state, context.out)} ${row.host}: ${row.state}; ${plain(row.because)}`,
		table(facts),
	];
	if (document.resources.length > 0) parts.push(resourceTable(document.resources, context));
	return parts.join("\n\n");
}

export function describeArchive(document: ArchiveDocument, context: Context): string {
	const { row } = document;
	return [
		`archive ${row.id} of ${shortAddress(row)}`,
		table([
			["taken", when(row.takenAt, context)],
			[
				"size",
				`${formatBytes(row.bytes)} for ${formatBytes(row.contentBytes)} in ${formatCount(row.entries, "entry").replace(/ys$/, "ies")}`,
			],
			["proof", row.damaged ? "damaged" : row.proof.join(", ")],
			["writers", consistencyPhrases[row.consistency]],
			["outcome", `${row.outcome}, ${row.fidelity} fidelity, ${formatSeconds(row.durationMs / 1000)}`],
			["kept because", keptText(row) || "no policy says that anything goes"],
			["lies in", document.path ?? "unknown"],
			["restore", `davit restore ${row.short} --plan`],
		]),
	].join("\n");
}

export function describeRun(document: RunDocument, context: Context): string {
	const { run } = document;
	const facts: (readonly [string, string])[] = [
		["asked", `${when(run.askedAt, context)} by ${run.askedBy}`],
		...(run.endedAt === undefined ? [] : [["ended", when(run.endedAt, context)] as const]),
		...(run.archive === undefined ? [] : [["archive", run.archive] as const]),
		...(document.downtimeSeconds === null
			? []
			: [["down", formatSeconds(document.downtimeSeconds)] as const]),
		...(document.parts ?? []).map((part) => ["part", partText(run, part, context)] as const),
		...toldBy(run.result ?? {}),
		...(run.failure === undefined
			? []
			: [
					["why", `${run.failure.message} (${run.failure.code})`] as const,
					["do", run.failure.hint] as const,
				]),
		...(document.undo === null
			? []
			: [["undo", `davit undo ${run.run} until ${when(document.undo.until, context)}`] as const]),
		...(document.cancel === null ? [] : [["cancel", `davit cancel ${run.run}: ${document.cancel}`] as const]),
		["steps", `davit log ${run.run}`],
	];
	return [
		`${markOf(run.state, context.out)} ${run.run}  ${shortAddress(run)}  ${plain(run.operation)} ${run.state}`,
		table(facts),
	].join("\n");
}

function partText({ host }: Run, { resource, state, run, failure }: RunPart, context: Context): string {
	const bytes = run?.result?.["bytes"];
	const words = [
		`${markOf(state, context.out)} ${shortAddress({ host, resource })}`,
		run === null && state === "requested" ? "waiting" : state,
		...(run === null ? [] : [run.run]),
		...(run?.archive === undefined ? [] : [run.archive]),
		...(typeof bytes === "number" ? [formatBytes(bytes)] : []),
		...(failure === null ? [] : [`${failure.message} (${failure.code})`]),
	];
	return words.join("  ");
}

/** What a backup says beside its numbers. */
function toldBy(result: Readonly<Record<string, unknown>>): (readonly [string, string])[] {
	const consistency = Consistency.safeParse(result["consistency"]);
	const lines = (key: string, name: string) => {
		const value = result[key];
		const texts = Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
		return texts.map((text) => [name, text] as const);
	};
	return [
		...(consistency.success ? [["writers", consistencyPhrases[consistency.data]] as const] : []),
		...predicted(result["predictedDowntimeMs"]),
		...lines("notes", "note"),
		...hookLines(result["hooks"]),
		...lines("warnings", "warning"),
	];
}

function predicted(value: unknown): (readonly [string, string])[] {
	return typeof value === "number" ? [["predicted", `down ${formatSeconds(value / 1000)}`]] : [];
}

function hookLines(value: unknown): (readonly [string, string])[] {
	const reports = HookReport.array().safeParse(value);
	if (!reports.success) return [];
	return reports.data.map(({ name, when, container, exitCode, lines }) => {
		const ended = exitCode === null ? "did not end by itself" : `ended with ${exitCode}`;
		return [
			"hook",
			`${name} ${when} it, in ${container}: ${ended}${lines.map((line) => ` | ${line}`).join("")}`,
		];
	});
}

export function describeSchedule(document: ScheduleDocument, context: Context): string {
	const { row, upcoming } = document;
	return [
		`schedule ${plain(row.name)}: ${{ backup: "backs up", check: "checks", prune: "prunes" }[row.task]} ${plain(row.target)}`,
		table([
			[
				"times",
				`${row.cron} (${row.timeZone})${row.jitterSeconds === 0 ? "" : `, up to ${formatSeconds(row.jitterSeconds)} later`}`,
			],
			...(row.task === "backup"
				? [
						["into", row.repository ?? "the host's own archives"] as const,
						["keeps", row.policy === null ? "every archive" : policyText(row.policy)] as const,
					]
				: [["last run", lastRunText(row, context)] as const]),
			...(row.problem === null ? [] : [["problem", row.problem.sentence] as const]),
			["last", row.lastDueAt === null ? "never" : when(row.lastDueAt, context)],
			["next", upcoming.slice(0, 3).map(formatInstant).join(", ") || "never"],
		]),
	].join("\n");
}

function lastRunText({ lastRun }: ScheduleRow, context: Context): string {
	if (lastRun === null) return "none has ended yet";
	return `${lastRun.run} ${lastRun.state}, ${when(lastRun.endedAt ?? lastRun.askedAt, context)}`;
}

function table(facts: readonly (readonly [string, string])[]): string {
	const width = Math.max(10, ...facts.map(([name]) => name.length));
	return facts.map(([name, value]) => `  ${name.padEnd(width)} ${plain(value)}`).join("\n");
}

function when(at: string, context: Context): string {
	return `${formatInstant(at)} (${formatRelative(at, context.now())})`;
}
