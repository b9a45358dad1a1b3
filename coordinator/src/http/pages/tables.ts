import type { ArchiveRow, HostRow, ResourceRow, Run } from "@davit/protocol";
import { type Html, html, type Inserted } from "../html.ts";
import type { Frame } from "../page.ts";
import { formatBytes, formatSeconds, moment, momentOrNever } from "./format.ts";
import { backUpForm, planRestoreForm, refusalOf, verifyForm } from "./forms.ts";
import { keptBecause, pinForm } from "./keeping.ts";
import { archiveLink, hostLink, resourceLink, runLink } from "./links.ts";
import { proofPips, runStateMark, sayOperation, stateMark } from "./words.ts";

interface Column {
	readonly head: string;
	/** A number, set to the right. */
	readonly isNumber?: boolean;
	/** Its head is for readers only: buttons say themselves what they do. */
	readonly isQuiet?: boolean;
}

/** A real table with a caption; each row's first cell is its head. On a narrow screen each row becomes a card. */
export function table(
	caption: Inserted,
	columns: readonly Column[],
	rows: readonly (readonly Inserted[])[],
): Html {
	const heads = columns.map(
		({ head, isNumber, isQuiet }) =>
			html`<th scope="col"${isNumber && html` class="number"`}>${isQuiet ? html`<span class="quiet">${head}</span>` : head}</th>`,
	);
	const body = rows.map((cells) => {
		const [first, ...rest] = cells.map((cell, index) => ({ cell, column: columns[index] }));
		return html`<tr><th scope="row">${first?.cell}</th>${rest.map(
			({ cell, column }) =>
				html`<td data-head="${column?.isQuiet ? "" : column?.head}"${column?.isNumber && html` class="number"`}>${cell}</td>`,
		)}</tr>\n`;
	});
	return html`<table><caption>${caption}</caption><thead><tr>${heads}</tr></thead><tbody>${body}</tbody></table>`;
}

export function resourceTable(frame: Frame, caption: Inserted, rows: readonly ResourceRow[]): Html {
	const columns = [
		{ head: "Resource" },
		{ head: "State" },
		{ head: "Proof" },
		{ head: "Last good backup" },
		{ head: "Last proven restore" },
		{ head: "Size", isNumber: true },
		{ head: "Next" },
		{ head: "Act", isQuiet: true },
	];
	const cells = rows.map((row) => [
		resourceLink(frame.root, row.host, row.resource),
		html`${stateMark(row.state)} <span class="because">${row.because}</span>`,
		proofPips(row.proof),
		momentOrNever(row.lastGoodBackup?.takenAt ?? null, frame.now),
		provenRestore(row, frame),
		row.lastGoodBackup === null ? "–" : formatBytes(row.lastGoodBackup.bytes),
		row.nextDueAt === null ? "not scheduled" : moment(row.nextDueAt, frame.now),
		row.running === null ? backUpForm(frame, row, undefined) : runLink(frame.root, { run: row.running }),
	]);
	return table(caption, columns, cells);
}

/** When it was last restored in a drill, and how long that took. */
export function provenRestore({ lastProvenRestore }: ResourceRow, { now }: Frame): Inserted {
	if (lastProvenRestore === null) return "never";
	const { at, restoreMs } = lastProvenRestore;
	return html`${moment(at, now)}, in ${formatSeconds(restoreMs / 1000)}`;
}

export function hostTable(frame: Frame, caption: Inserted, rows: readonly HostRow[]): Html {
	const columns = [
		{ head: "Host" },
		{ head: "State" },
		{ head: "Resources", isNumber: true },
		{ head: "Safe", isNumber: true },
		{ head: "Newest backup" },
		{ head: "Space left", isNumber: true },
		{ head: "Heard" },
	];
	const cells = rows.map((row) => [
		hostLink(frame.root, row.host),
		html`${stateMark(row.state)} <span class="because">${row.because}</span>`,
		row.resources,
		row.safe,
		momentOrNever(row.newestBackupAt, frame.now),
		row.archivesFreeBytes === null ? "unknown" : formatBytes(row.archivesFreeBytes),
		momentOrNever(row.heardAt, frame.now),
	]);
	return table(caption, columns, cells);
}

export function runTable(frame: Frame, caption: Inserted, runs: readonly Run[]): Html {
	const columns = [
		{ head: "Run" },
		{ head: "What" },
		{ head: "Resource" },
		{ head: "Outcome" },
		{ head: "Asked for" },
		{ head: "Took", isNumber: true },
		{ head: "Asked by" },
	];
	const cells = runs.map((run) => [
		runLink(frame.root, run),
		sayOperation(run.operation),
		resourceLink(frame.root, run.host, run.resource),
		html`${runStateMark(run.state)}${run.failure && html` <span class="because">${run.failure.message}</span>`}`,
		moment(run.askedAt, frame.now),
		tookOf(run),
		run.askedBy,
	]);
	return table(caption, columns, cells);
}

export function archiveTable(
	frame: Frame,
	caption: Inserted,
	{ rows, of }: { rows: readonly ArchiveRow[]; of?: ResourceRow | undefined },
): Html {
	const columns = [
		{ head: "Archive" },
		...(of === undefined ? [{ head: "Resource" }] : []),
		{ head: "Taken" },
		{ head: "Size", isNumber: true },
		{ head: "Proof" },
		{ head: "State" },
		{ head: "Kept because" },
		{ head: "Act", isQuiet: true },
	];
	const refusal = of === undefined ? undefined : refusalOf(of);
	const cells = rows.map((row) => {
		const archive = { host: row.host, resource: row.resource, archive: row.id };
		const damaged = row.damaged ? "it is damaged" : undefined;
		return [
			archiveLink(frame.root, row.id, row.short),
			...(of === undefined ? [resourceLink(frame.root, row.host, row.resource)] : []),
			moment(row.takenAt, frame.now),
			formatBytes(row.bytes),
			proofPips(row.proof),
			archiveState(row),
			keptBecause(row, frame.now),
			html`<div class="buttons">${planRestoreForm(frame, archive, { refusal: refusal ?? damaged })}${verifyForm(frame, archive, refusal)}${pinForm(frame, row, refusal)}</div>`,
		];
	});
	return table(caption, columns, cells);
}

export function archiveState({ damaged, outcome, fidelity }: ArchiveRow): Html {
	if (damaged) return stateMark("failed", "damaged");
	if (outcome === "partial") return stateMark("partial");
	return fidelity === "reduced" ? stateMark("safe", "good, reduced fidelity") : stateMark("safe", "good");
}

export function tookOf({ startedAt, endedAt }: Run): string {
	if (startedAt === undefined || endedAt === undefined) return "–";
	return formatSeconds((Date.parse(endedAt) - Date.parse(startedAt)) / 1000);
}

/** The way to the rows that are not on this page. */
export function pager(
	path: string,
	query: URLSearchParams,
	of: { page: number; pages: number },
): Html | undefined {
	if (of.pages < 2) return undefined;
	const link = (page: number, label: string) => {
		const to = new URLSearchParams(query);
		to.set("page", String(page));
		return html`<a href="${path}?${to.toString()}">${label}</a>`;
	};
	return html`<nav class="pager" aria-label="Pages">
		${of.page > 1 && link(of.page - 1, "earlier page")}
		<span>page ${of.page} of ${of.pages}</span>
		${of.page < of.pages && link(of.page + 1, "next page")}
	</nav>`;
}
