import {
	type ArchiveSummary,
	type HostName,
	type Instant,
	instantOf,
	type ResourceId,
	type ResourceRow,
	resourceName,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import type { HostEntry, ResourceEntry } from "../fleet/fleet.ts";
import { countProof } from "../recovery/count-proof.ts";
import { lateRetention } from "../schedules/late-retention.ts";
import { lastGoodInStack, lastGoodOf, nextDueOf, overdueAtMs, schedulesOf } from "../schedules/overdue.ts";
import { policyOf } from "../schedules/retention.ts";
import {
	type Judgement,
	judgeFailed,
	judgeInconsistent,
	judgeRunning,
	judgeWaiting,
	type Newest,
	verbOfRun,
} from "./judge-runs.ts";
import { ageWords } from "./words.ts";

/** A resource in one row, as every door shows it. */
export function resourceRow(core: Core, entry: HostEntry, known: ResourceEntry): ResourceRow {
	const { host } = entry.record;
	const { id } = known;
	const [state, because] = judgeResource(core, entry, known);
	const newest = lastGoodOf(known);
	const lastGoodBackup = newest === null ? null : { ...newest, proof: countProof(core, newest.proof) };
	const running = core.runs.openOn(host, id);
	const overdueMs = overdueAtMs(core, host, id);
	return {
		address: `${host}/${id}`,
		host,
		resource: id,
		name: resourceName(id),
		project: known.listed?.project ?? null,
		state,
		because,
		proof: countProof(core, newestGood(core, host, known).archive?.proof ?? []),
		lastGoodBackup,
		archives: Math.max(known.archives.length, known.state?.archives ?? 0),
		lastProvenRestore: known.state?.lastProvenRestore ?? null,
		overdue: overdueMs !== undefined && overdueMs <= core.now(),
		nextDueAt: nextDueOf(core, host, id) ?? null,
		running: running === undefined || running.hidden ? null : running.run.run,
		policy: policyOf(core, { host, resource: id }) ?? null,
		hold: known.state?.hold ?? null,
		heardAt: heardAt(entry),
	};
}

export function heardAt({ heardMs }: HostEntry): Instant | null {
	return heardMs === undefined ? null : instantOf(heardMs);
}

/** The first state word that applies, worst first (interface.md 3.1), and why. */
function judgeResource(core: Core, entry: HostEntry, known: ResourceEntry): Judgement {
	const newest = core.runs.newest(entry.record.host, known.id);
	return (
		judgeInconsistent(newest) ??
		judgeSuspicion(entry.record.host, known) ??
		judgeUnknown(core, { entry, known }, newest) ??
		judgeWaiting(newest) ??
		judgeFailed(newest) ??
		judgeOverdue(core, entry.record.host, known) ??
		judgePartial(known, newest) ??
		judgeRetention(core, entry.record.host, known) ??
		judgeRunning(newest) ??
		judgeProtection(core, entry, known)
	);
}

/** A backup that is much smaller than those before, or encrypted: nothing is removed until a person has looked. */
function judgeSuspicion(host: HostName, { id, state }: ResourceEntry): Judgement | undefined {
	const hold = state?.hold;
	if (hold === undefined || !hold.isAutomatic) return undefined;
	return [
		"inconsistent",
		`${hold.because}; nothing is removed until you have looked: davit release ${host}/${id}`,
	];
}

function judgeRetention(core: Core, host: HostName, { id }: ResourceEntry): Judgement | undefined {
	const late = lateRetention(core, host, id);
	return late === undefined ? undefined : ["partial", late];
}

function judgeUnknown(
	core: Core,
	{ entry, known }: { readonly entry: HostEntry; readonly known: ResourceEntry },
	newest: Newest,
): Judgement | undefined {
	const { host } = entry.record;
	if (!entry.online) {
		const since =
			entry.heardMs === undefined
				? "has never been heard"
				: `not heard for ${ageWords(core.now() - entry.heardMs)}`;
		return ["unknown", `${host} ${since}; see that its agent runs and reaches the broker`];
	}
	const away = entry.record.inventory?.engineAway;
	if (away !== undefined && known.listed === undefined && !known.id.startsWith("path:")) {
		return ["unknown", `${host} cannot tell whether it has it still: ${away}`];
	}
	const run = [...newest.values()].find(({ state }) => state === "unknown");
	if (run === undefined) return undefined;
	return [
		"unknown",
		`what became of ${verbOfRun(run)} ${run.run} is not known: ${run.failure?.message ?? "no answer"}`,
	];
}

function judgeOverdue(core: Core, host: HostName, known: ResourceEntry): Judgement | undefined {
	const overdueMs = overdueAtMs(core, host, known.id);
	if (overdueMs === undefined || overdueMs > core.now()) return undefined;
	const { archive: lastGood } = newestGood(core, host, known);
	const last =
		lastGood === null
			? "it has no good backup yet"
			: `its last good backup is ${ageWords(core.now() - Date.parse(lastGood.takenAt))} old`;
	return ["overdue", `a backup was due and the margin has passed; ${last}: davit backup ${host}/${known.id}`];
}

function judgePartial(known: ResourceEntry, newest: Newest): Judgement | undefined {
	const backup = newest.get("backup");
	if (backup?.state === "partial") {
		return ["partial", `the newest backup (${backup.run}) left something out: davit show ${backup.run}`];
	}
	const [archive] = known.archives;
	if (archive?.outcome !== "partial" || backup?.state === "succeeded") return undefined;
	return ["partial", `the newest archive (${archive.id}) left something out: back it up again`];
}

function judgeProtection(core: Core, { record: { host } }: HostEntry, known: ResourceEntry): Judgement {
	const schedules = schedulesOf(core, host, known.id);
	const { archive: lastGood, stack } = newestGood(core, host, known);
	const within = stack === undefined ? "" : ` in ${stack}`;
	const age =
		lastGood === null ? "never" : `${ageWords(core.now() - Date.parse(lastGood.takenAt))} ago${within}`;
	if (schedules.length === 0) {
		if (known.id.startsWith("stack:") && lastGood === null) {
			return [
				"ignored",
				`its volumes can be backed up one by one; davit backup ${host}/${known.id} keeps its files and networks too`,
			];
		}
		if (known.listed?.anonymous && lastGood === null) {
			return [
				"ignored",
				"a volume without a name of its own, which goes with its container; back it up by name if it matters",
			];
		}
		if (known.listed === undefined) {
			return ["ignored", `${host} has it no more; its archives are kept and can be restored`];
		}
		return [
			"unprotected",
			`nothing is scheduled; last good backup: ${age}. davit schedule add NAME ${host}/${known.id}`,
		];
	}
	if (lastGood === null) {
		const due = nextDueOf(core, host, known.id);
		return ["unprotected", `no good backup yet; the first is due ${due ?? "never"}`];
	}
	const hold = known.state?.hold;
	const held = hold === undefined ? "" : `; nothing is removed: ${hold.because}`;
	const names = schedules.map(({ record }) => record.name).join(", ");
	return ["safe", `last good backup ${age}, by schedule ${names}${held}`];
}

/** Its own newest good archive, or the newest of the stack that it is backed up in, where that is newer. */
function newestGood(
	core: Core,
	host: HostName,
	known: ResourceEntry,
): { readonly archive: ArchiveSummary | null; readonly stack?: ResourceId } {
	const own = lastGoodOf(known);
	const within = lastGoodInStack(core, host, known.id);
	if (within === undefined || (own !== null && own.takenAt >= within.archive.takenAt))
		return { archive: own };
	return within;
}

/** Rows of every resource of a host, by name. */
export function resourceRows(core: Core, entry: HostEntry): ResourceRow[] {
	return [...entry.resources.values()]
		.map((known) => resourceRow(core, entry, known))
		.sort((one, other) => compareIds(one.resource, other.resource));
}

function compareIds(one: ResourceId, other: ResourceId): number {
	return one < other ? -1 : 1;
}
