import type { ResourceDocument } from "@davit/protocol";
import { consistencyPhrases, kindWord, parseResource, resourceName } from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import { countOf, formatBytes, formatSeconds, moment, momentOrNever } from "./format.ts";
import { backUpForm, drillForm, planRestoreForm, planUndoForm, refusalOf, tokenField } from "./forms.ts";
import { keepingSection } from "./keeping.ts";
import { archiveLink, hostLink, resourceTitle, runLink, sameAs } from "./links.ts";
import { previewPath } from "./preview.ts";
import { scheduleTable } from "./schedules.ts";
import { archiveTable, provenRestore, runTable } from "./tables.ts";
import { proofPips, stateMarks, stateShape } from "./words.ts";

/** One resource: its state, what can be done with it, its archives, its runs, who uses it. */
export function resourcePage(document: ResourceDocument, frame: Frame): Page {
	const { row } = document;
	return {
		title: `${stateMarks[row.state].sign} ${row.host} / ${row.name}`,
		state: row.state,
		place: "Resources",
		asOf: document.asOf,
		sections: [
			{ id: "verdict", html: verdict(document, frame) },
			{ id: "facts", html: facts(document, frame) },
			{ id: "undo", html: undo(document, frame) },
			{ id: "archives", html: archives(document, frame) },
			{ id: "keeping", html: keepingSection(frame, row) },
			{ id: "runs", html: runs(document, frame) },
			{ id: "uses", html: uses(document, frame) },
			{ id: "copy", html: copySection(document, frame) },
			{ id: "schedules", html: schedules(document, frame) },
		],
	};
}

function verdict({ row }: ResourceDocument, frame: Frame): Html {
	const archive = row.lastGoodBackup?.id;
	const refusal = refusalOf(row);
	const isOnePlace = parseResource(row.resource).kind !== "stack";
	return html`<header id="verdict">
		<h1 class="state ${row.state}">${stateShape(row.state)} <span>${resourceTitle(row.host, row.resource)} is ${row.state}</span></h1>
		<p class="lead">${foreign(row.because)} ${proofPips(row.proof)}</p>
		<div class="buttons">
			${row.running === null ? backUpForm(frame, row, "main") : html`<p>Something is being done with it now: ${runLink(frame.root, { run: row.running }, `open ${row.running}`)}</p>`}
			${
				archive !== undefined &&
				planRestoreForm(
					frame,
					{ host: row.host, resource: row.resource, archive },
					{ label: "Restore the newest good archive…", refusal },
				)
			}
			${archive !== undefined && row.running === null && drillForm(frame, { host: row.host, resource: row.resource }, refusal)}
			${isOnePlace && refusal === undefined && html`<a href="${frame.root}${previewPath(row.host, row.resource)}">What would a backup do?</a>`}
		</div>
		${refusal !== undefined && html`<p class="notice">${refusal}. What you see is from when it was last heard, ${momentOrNever(row.heardAt, frame.now)}.</p>`}
	</header>`;
}

function facts({ row, inventory, restoreDowntimeSeconds }: ResourceDocument, frame: Frame): Html {
	const good = row.lastGoodBackup;
	return html`<section id="facts" aria-label="Facts">
		<dl>
			<dt>What</dt><dd>${kindWord(row.resource)} on ${hostLink(frame.root, row.host)}${row.project !== null && html`, of stack ${foreign(row.project)}`}${inventory?.driver !== undefined && html`, driver ${foreign(inventory.driver)}`}</dd>
			<dt>Last good backup</dt><dd>${good === null ? "none yet" : html`${moment(good.takenAt, frame.now)}, ${formatBytes(good.bytes)}, took ${formatSeconds(good.durationMs / 1000)}, writers ${consistencyPhrases[good.consistency]}`}</dd>
			<dt>Last proven restore</dt><dd>${provenRestore(row, frame)}</dd>
			<dt>Next</dt><dd>${row.nextDueAt === null ? "nothing is scheduled" : moment(row.nextDueAt, frame.now)}</dd>
			<dt>If you restore</dt><dd>${restoreDowntimeSeconds === null ? "how long it is down was not measured yet" : html`down about ${formatSeconds(restoreDowntimeSeconds)}, as measured at its last restore`}</dd>
		</dl>
		${sameAs("backup", row.address)}
	</section>`;
}

function undo({ row, undo: point }: ResourceDocument, frame: Frame): Html {
	if (point === null) return html`<section id="undo" aria-label="Undo"></section>`;
	return html`<section id="undo" aria-labelledby="undo-head">
		<h2 id="undo-head">Undo</h2>
		<p>The data from before the restore of ${archiveLink(frame.root, point.archive)} is kept, to go back to; the time ends ${moment(point.until, frame.now)}.</p>
		<div class="buttons">${planUndoForm(frame, row, refusalOf(row))}</div>
		${sameAs("undo", row.address)}
	</section>`;
}

function archives({ row, archives: rows }: ResourceDocument, frame: Frame): Html {
	const more = row.archives > rows.length && rows.length > 0;
	return html`<section id="archives" aria-labelledby="archives-head">
		<h2 id="archives-head">Archives</h2>
		${rows.length === 0 ? html`<p>None yet. The first one comes with Back up above.</p>` : archiveTable(frame, `${countOf(row.archives, "archive")} of ${row.name}, newest first`, { rows: rows.slice(0, 100), of: row })}
		${more && html`<p><a href="${frame.root}archives?${new URLSearchParams({ host: row.host, resource: row.resource }).toString()}">all ${countOf(row.archives, "archive")}</a></p>`}
	</section>`;
}

function runs({ row, runs: found }: ResourceDocument, frame: Frame): Html {
	return html`<section id="runs" aria-labelledby="runs-head">
		<h2 id="runs-head">Runs</h2>
		${found.length === 0 ? html`<p>Nothing was done with it yet.</p>` : runTable(frame, `What was done with ${row.name}, newest first`, found.slice(0, 20))}
	</section>`;
}

function uses({ row, inventory }: ResourceDocument, _frame: Frame): Html {
	const users = inventory?.users ?? [];
	const list = users.map(
		({ container, state, service, writes }) =>
			html`<li><strong>${foreign(container)}</strong> ${service !== undefined && html`(service ${foreign(service)}) `}${foreign(state)}, ${writes ? "writes" : "only reads"}</li>`,
	);
	const policy =
		inventory === null
			? undefined
			: html`<p>While it is copied, containers that write are <strong>${consistencyPhrases[inventory.consistency]}</strong>.</p>`;
	return html`<section id="uses" aria-labelledby="uses-head">
		<h2 id="uses-head">Used by</h2>
		${users.length === 0 ? html`<p>No container uses ${foreign(resourceName(row.resource))}.</p>` : html`<ul>${list}</ul>`}
		${policy}
	</section>`;
}

/** Of a volume: another one on the same host, of what it holds at one moment. */
function copySection({ row }: ResourceDocument, frame: Frame): Html {
	if (parseResource(row.resource).kind !== "volume")
		return html`<section id="copy" aria-label="Copy"></section>`;
	const refusal = refusalOf(row) ?? (row.running === null ? undefined : "something is being done with it");
	return html`<section id="copy" aria-labelledby="copy-head">
		<h2 id="copy-head">Copy</h2>
		<form method="post" action="${frame.root}requests" class="fields">
			${tokenField()}
			<input type="hidden" name="host" value="${row.host}"><input type="hidden" name="resource" value="${row.resource}"><input type="hidden" name="verb" value="copy">
			<label>Name of the new volume <input name="as" required maxlength="255" autocomplete="off" autocapitalize="none" spellcheck="false"><small>on ${row.host}, of what is here at one moment; it is on the same disk, so it is no backup</small></label>
			<button class="plain"${refusal !== undefined && html` disabled title="${refusal}"`}>Copy it</button>
		</form>
		${sameAs("copy", row.address, "--as", "NAME")}
	</section>`;
}

function schedules({ row, schedules: rows }: ResourceDocument, frame: Frame): Html {
	return html`<section id="schedules" aria-labelledby="schedules-head">
		<h2 id="schedules-head">Schedules</h2>
		${rows.length === 0 ? html`<p>None backs it up. <a href="${frame.root}schedules?target=${encodeURIComponent(row.address)}">Add one</a></p>` : scheduleTable(frame, "What backs it up by itself", rows)}
		${sameAs("show", row.address)}
	</section>`;
}
