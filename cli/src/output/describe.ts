import {
	type ArchiveRow,
	type HostRow,
	type PlanDocument,
	policyText,
	type ResourceRow,
	type Run,
	type ScheduleRow,
} from "@davit/protocol";
import type { Context } from "../context.ts";
import { formatBytes, formatCount, formatInstant, formatRelative, formatSeconds, markOf } from "./format.ts";
import { shortAddress } from "./short-address.ts";
import { formatTable, plain } from "./table.ts";

export function addressOfRun(run: Run): string {
	return shortAddress(run);
}

export function hostTable(rows: readonly HostRow[], context: Context): string {
	return formatTable(
		["HOST", "STATE", "SAFE", "HEARD", "NEWEST BACKUP", "FREE"],
		rows.map((row) => [
			row.host,
			`${markOf(row.state, context.out)} ${row.state}`,
			`${row.safe} of ${row.resources}`,
			relative(row.heardAt, context),
			relative(row.newestBackupAt, context),
			row.archivesFreeBytes === null ? "?" : formatBytes(row.archivesFreeBytes),
		]),
	);
}

export function resourceTable(rows: readonly ResourceRow[], context: Context): string {
	return formatTable(
		["RESOURCE", "STATE", "LAST GOOD", "ARCHIVES", "PROOF", "PROVEN RESTORE", "BECAUSE"],
		rows.map((row) => [
			shortAddress(row),
			`${markOf(row.state, context.out)} ${row.state}`,
			relative(row.lastGoodBackup?.takenAt ?? null, context),
			String(row.archives),
			row.proof.join(" "),
			provenRestore(row.lastProvenRestore, context),
			plain(row.because),
		]),
	);
}

export function archiveTable(rows: readonly ArchiveRow[], context: Context): string {
	return formatTable(
		["ARCHIVE", "RESOURCE", "TAKEN", "SIZE", "PROOF", "DRILLED", "CONSISTENCY", "KEPT BECAUSE"],
		rows.map((row) => [
			row.short,
			shortAddress(row),
			formatInstant(row.takenAt),
			formatBytes(row.bytes),
			row.damaged ? "damaged" : row.proof.join(" "),
			row.drilledAt === undefined || row.restoreMs === undefined
				? "never"
				: provenRestore({ at: row.drilledAt, restoreMs: row.restoreMs }, context),
			`${row.consistency}${row.outcome === "partial" ? ", partial" : ""}${row.fidelity === "reduced" ? ", reduced fidelity" : ""}`,
			keptText(row),
		]),
	);
}

/** Why it stays, or when it goes. */
export function keptText({ keptBecause, pinnedAt, goesAt }: ArchiveRow): string {
	if (goesAt !== undefined) return `goes ${formatInstant(goesAt)}`;
	return keptBecause.join(" ") || (pinnedAt === undefined ? "" : "pinned");
}

/** `2 d ago, in 21 s`. */
export function provenRestore(
	proven: { readonly at: string; readonly restoreMs: number } | null,
	context: Context,
): string {
	if (proven === null) return "never";
	return `${relative(proven.at, context)}, in ${formatSeconds(proven.restoreMs / 1000)}`;
}

export function runTable(rows: readonly Run[], context: Context): string {
	return formatTable(
		["RUN", "RESOURCE", "WHAT", "STATE", "ASKED", "BY", "ARCHIVE"],
		rows.map((row) => [
			row.run,
			addressOfRun(row),
			plain(row.operation),
			`${markOf(row.state, context.out)} ${row.state}${row.failure === undefined ? "" : ` (${row.failure.code})`}`,
			relative(row.askedAt, context),
			row.askedBy,
			row.archive ?? "",
		]),
	);
}

export function scheduleTable(rows: readonly ScheduleRow[], context: Context): string {
	return formatTable(
		["SCHEDULE", "DOES", "TARGET", "CRON", "ZONE", "NEXT", "KEEPS", "PROBLEM"],
		rows.map((row) => [
			plain(row.name),
			row.task === "backup" && row.repository !== null ? `backup to ${row.repository}` : row.task,
			plain(row.target),
			plain(row.cron),
			plain(row.timeZone),
			row.paused ? "paused" : relative(row.nextDueAt, context),
			row.task !== "backup" ? "" : row.policy === null ? "all" : policyText(row.policy),
			row.problem === null ? "" : `${markOf(row.problem.state, context.out)} ${plain(row.problem.sentence)}`,
		]),
	);
}

/** What a plan will do, as it is shown before anyone says yes. */
export function describePlan(plan: PlanDocument, context: Context): string {
	const { facts } = plan;
	const stops = facts.stops
		.filter((container) => container.state === "running")
		.map(({ name }) => plain(name));
	const down =
		facts.downtimeSeconds === undefined
			? "not measured yet"
			: `about ${formatSeconds(facts.downtimeSeconds)}`;
	const { paths, merge, as } = facts.choice ?? {};
	const choices = [
		...(paths === undefined ? [] : [`  only        ${plain(paths.join(", "))}`]),
		...(merge === undefined ? [] : ["  merges      nothing is removed"]),
		...(as === undefined ? [] : [`  as          ${plain(as)}, which is new; the original is not touched`]),
	];
	const lines = [
		`plan ${plan.plan}: ${facts.action} ${shortAddress({ host: plan.host, resource: facts.resource })} ${facts.action === "undo" ? "to what it was before archive" : "from archive"} ${facts.archive}`,
		`  content of  ${formatInstant(facts.contentAt)} (${formatRelative(facts.contentAt, context.now())})`,
		...choices,
		`  changes     ${formatCount(facts.replaces, "entry").replace(/ys$/, "ies")} replaced, ${facts.adds.toLocaleString("en")} added, ${facts.removes.toLocaleString("en")} removed`,
		`  stops       ${stops.length === 0 ? "nothing" : stops.join(", ")}; time down ${down}`,
		`  needs       ${formatBytes(facts.needsBytes)} of ${formatBytes(facts.freeBytes)} free`,
		...(as === undefined ? [`  undo        kept for ${formatSeconds(facts.undoSeconds)}`] : []),
	];
	for (const name of facts.examples.removes.slice(0, 5)) lines.push(`  - ${plain(name)}`);
	for (const name of facts.examples.adds.slice(0, 5)) lines.push(`  + ${plain(name)}`);
	for (const name of facts.examples.replaces.slice(0, 5)) lines.push(`  ~ ${plain(name)}`);
	for (const blocker of facts.blockers) lines.push(`  blocked: ${blocker.message} (${blocker.hint})`);
	if (plan.state !== "ready") lines.push(`  ${plan.state}`);
	else lines.push(`  valid ${formatRelative(plan.expiresAt, context.now()).replace(/^in /, "for ")}`);
	return lines.join("\n");
}

function relative(at: string | null, context: Context): string {
	return at === null ? "never" : formatRelative(at, context.now());
}
