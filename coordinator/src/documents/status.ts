import {
	type HostRow,
	instantOf,
	type ResourceRow,
	type StateWord,
	type StatusDocument,
	StateWord as stateWord,
} from "@davit/protocol";
import type { Core } from "../core/context.ts";
import { repositoryNeeds } from "../schedules/tending.ts";
import { hostRow } from "./host-row.ts";
import { resourceRows } from "./resource-row.ts";
import { ageWords, count } from "./words.ts";

const needsShown = 20;
const nextShown = 20;
const dayMs = 86_400_000;

type Need = StatusDocument["needs"][number];

/** The first screen: is everything safe, and what needs me? */
export function statusDocument(core: Core, broker: StatusDocument["broker"]): StatusDocument {
	const fleet = [...core.fleet.hosts()]
		.map((entry) => ({ entry, rows: resourceRows(core, entry) }))
		.map(({ entry, rows }) => ({ rows, host: hostRow(core, entry, rows) }));
	const rows = fleet.flatMap((host) => host.rows);
	const tending = repositoryNeeds(core).sort(worstFirst);
	const needs = [...fleet.flatMap(needsOf), ...tending].sort(worstFirst);
	return {
		schema: "davit/status/1",
		asOf: instantOf(core.now()),
		site: core.site,
		verdict: overshadow(
			verdictOf(
				core,
				rows,
				fleet.map(({ host }) => host),
			),
			tending[0],
		),
		counts: countsOf(rows),
		total: rows.length,
		needs: needs.slice(0, needsShown),
		needsMore: Math.max(0, needs.length - needsShown),
		now: [...core.runs.openWholes(), ...core.runs.open()]
			// What is done for a whole is shown with it.
			.filter(({ run, hidden }) => !hidden && core.runs.wholeOf(run.run) === undefined)
			.slice(0, 100)
			.map(({ run }) => run),
		next: nextOf(core),
		hosts: fleet.map(({ host }) => host).sort(worstFirst),
		broker,
	};
}

function countsOf(rows: readonly ResourceRow[]): Record<StateWord, number> {
	const zero = stateWord.options.map((word) => [word, 0] as const);
	// Every word of the enumeration has its entry.
	const counts = Object.fromEntries(zero) as Record<StateWord, number>;
	for (const { state } of rows) counts[state] += 1;
	return counts;
}

/** One sentence with numbers. What is not known is never counted as safe. */
function verdictOf(
	core: Core,
	rows: readonly ResourceRow[],
	hosts: readonly HostRow[],
): StatusDocument["verdict"] {
	const counts = countsOf(rows);
	const total = rows.length - counts.ignored;
	const double = hosts.find(({ state }) => state === "inconsistent");
	const silent = hosts.find(
		({ state, online, resources }) => state === "unknown" && (online || resources === 0),
	);
	if (double !== undefined && counts.inconsistent === 0) {
		return { state: "inconsistent", sentence: `${sentenceCase(double.because)}.` };
	}
	if (hosts.length === 0) {
		return { state: "unprotected", sentence: "Nothing is known yet: no host has been heard." };
	}
	const worst = stateWord.options.find((word) => word !== "ignored" && counts[word] > 0);
	if (silent !== undefined && (worst === undefined || worst === "safe")) {
		return { state: "unknown", sentence: `${sentenceCase(silent.because)}.` };
	}
	if (worst === undefined) {
		return { state: "unprotected", sentence: "Nothing to protect was found on any host." };
	}
	if (worst === "safe") {
		return { state: "safe", sentence: `${all(total)} safe: ${coverage(core, rows)}.` };
	}
	const bad = stateWord.options
		.filter((word) => word !== "safe" && word !== "ignored" && counts[word] > 0)
		.map((word) => `${counts[word]} ${word}`)
		.join(", ");
	if (counts.safe === 0) return { state: worst, sentence: `${bad} of ${total}; none is safe.` };
	const other = `The other ${counts.safe} of ${total} ${counts.safe === 1 ? "is" : "are"} safe`;
	return { state: worst, sentence: `${bad}. ${other}: ${coverage(core, rows)}.` };
}

/** Archives in a repository that nobody could check are not called safe without saying so. */
function overshadow(verdict: StatusDocument["verdict"], need: Need | undefined): StatusDocument["verdict"] {
	if (need === undefined || verdict.state !== "safe") return verdict;
	return { state: need.state, sentence: `${need.sentence} ${verdict.sentence}` };
}

function all(total: number): string {
	return total === 1 ? "The only resource is" : `All ${total} are`;
}

function coverage(core: Core, rows: readonly ResourceRow[]): string {
	const taken = rows
		.filter(({ state }) => state === "safe")
		.flatMap(({ lastGoodBackup }) => lastGoodBackup?.takenAt ?? []);
	const oldest = taken.sort()[0];
	if (oldest === undefined) return "backed up";
	return `backed up in the last ${ageWords(core.now() - Date.parse(oldest))}, ${drills(core, rows)}`;
}

/** How many of those that are safe were proven by a restore in the last 30 days. */
function drills(core: Core, rows: readonly ResourceRow[]): string {
	const proven = rows.filter(
		({ state, lastProvenRestore }) =>
			state === "safe" &&
			lastProvenRestore !== null &&
			core.now() - Date.parse(lastProvenRestore.at) <= 30 * dayMs,
	);
	return `${proven.length === 0 ? "none" : proven.length} of them restored in a drill this month`;
}

/** What of a host needs a person; a silent host is one need, and so is everything on it that nothing is scheduled for. */
function needsOf({ host, rows }: { host: HostRow; rows: readonly ResourceRow[] }): Need[] {
	const address = host.host;
	if (host.state === "inconsistent" && !rows.some(({ state }) => state === "inconsistent")) {
		return [{ state: "inconsistent", address, sentence: `${host.because}.`, do: `davit show ${address}` }];
	}
	const needs: Need[] = rows
		.filter(({ state }) => ["inconsistent", "failed", "overdue", "partial"].includes(state))
		.concat(host.online ? rows.filter(({ state }) => state === "unknown") : [])
		.map((row) => ({ state: row.state, address: row.address, sentence: `${row.because}.`, do: cureOf(row) }));
	if (!host.online || (host.state === "unknown" && !rows.some(({ state }) => state === "unknown"))) {
		needs.push({ state: "unknown", address, sentence: `${host.because}.`, do: `davit show ${address}` });
	}
	const unprotected = rows.filter(({ state, nextDueAt }) => state === "unprotected" && nextDueAt === null);
	if (unprotected.length > 0) {
		needs.push({
			state: "unprotected",
			address,
			sentence: `${count(unprotected.length, "resource")} on ${address} ${unprotected.length === 1 ? "has" : "have"} no schedule.`,
			do: `davit schedule add nightly '${address}/*' --cron '0 3 * * *'`,
		});
	}
	return needs;
}

function cureOf({ state, address }: ResourceRow): string {
	return state === "failed" || state === "overdue" || state === "partial"
		? `davit backup ${address}`
		: `davit show ${address}`;
}

function nextOf(core: Core): StatusDocument["next"] {
	const until = instantOf(core.now() + dayMs);
	return core.schedules
		.all()
		.flatMap(({ record }) =>
			record.nextDueAt !== null && record.nextDueAt <= until && !record.paused
				? [{ at: record.nextDueAt, schedule: record.name, target: record.target }]
				: [],
		)
		.sort((one, other) => (one.at < other.at ? -1 : 1))
		.slice(0, nextShown);
}

function worstFirst(one: { state: StateWord }, other: { state: StateWord }): number {
	return stateWord.options.indexOf(one.state) - stateWord.options.indexOf(other.state);
}

function sentenceCase(text: string): string {
	return text.charAt(0).toUpperCase() + text.slice(1);
}
