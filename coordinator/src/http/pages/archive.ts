import { type ArchiveDocument, consistencyPhrases, resourceName } from "@davit/protocol";
import { type Html, html } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import { contentPath } from "./content.ts";
import { differencesPath } from "./differences.ts";
import { countEntries, exactTime, formatBytes, formatSeconds, moment } from "./format.ts";
import { drillForm, refusalOf, tokenField, verifyForm } from "./forms.ts";
import { keptBecause, pinForm } from "./keeping.ts";
import { resourceLink, resourceTitle, runLink, sameAs } from "./links.ts";
import { archiveState } from "./tables.ts";
import { proofPips } from "./words.ts";

/** One archive: what it is, and how it is restored. */
export function archivePage(document: ArchiveDocument, frame: Frame): Page {
	const { row } = document;
	return {
		title: `Archive ${row.short}`,
		state: row.damaged ? "failed" : row.outcome === "partial" ? "partial" : "safe",
		place: "Archives",
		asOf: document.asOf,
		sections: [
			{ id: "verdict", html: verdict(document, frame) },
			{ id: "facts", html: facts(document, frame) },
			{ id: "restore", html: restore(document, frame) },
			{ id: "open", html: openWithoutDavit(document) },
		],
	};
}

function verdict({ row, resourceRow }: ArchiveDocument, frame: Frame): Html {
	const archive = { host: row.host, resource: row.resource, archive: row.id };
	return html`<header id="verdict">
		<h1>${resourceTitle(row.host, row.resource)} as it was ${moment(row.takenAt, frame.now)}</h1>
		<p class="lead">${archiveState(row)} ${proofPips(row.proof)}</p>
		<div class="buttons">${verifyForm(frame, archive, refusalOf(resourceRow))}<span class="muted">reads every byte and compares it with the signed manifest</span>${pinForm(frame, row, refusalOf(resourceRow))}</div>
		<div class="buttons">${drillForm(frame, archive, refusalOf(resourceRow) ?? (row.damaged ? "it is damaged" : undefined))}<span class="muted">restores it where nothing is, compares, and removes it again</span></div>
	</header>`;
}

function facts({ row }: ArchiveDocument, frame: Frame): Html {
	return html`<section id="facts" aria-label="Facts">
		<dl>
			<dt>Archive</dt><dd><code>${row.id}</code> of ${resourceLink(frame.root, row.host, row.resource)}</dd>
			<dt>Taken</dt><dd>${exactTime(row.takenAt)}, in ${formatSeconds(row.durationMs / 1000)}${row.run !== undefined && html`, by ${runLink(frame.root, { run: row.run })}`}</dd>
			<dt>Size</dt><dd>${formatBytes(row.bytes)}, of ${formatBytes(row.contentBytes)} in ${countEntries(row.entries)}</dd>
			<dt>Containers that write</dt><dd>were ${consistencyPhrases[row.consistency]} while it was copied</dd>
			<dt>Kept because</dt><dd>${keptBecause(row, frame.now)}</dd>
			<dt>Proven</dt><dd>${provenWords(row)}</dd>
			<dt>Fidelity</dt><dd>${row.fidelity === "full" ? "full: owners, modes, times, links, attributes" : "reduced: read through the archive API, which loses some attributes"}</dd>
		</dl>
		<p><a href="${frame.root}${contentPath(row.id)}">See what it holds</a> · <a href="${frame.root}${differencesPath(row.id)}">What differs from now</a></p>
		${sameAs("verify", row.short)}
	</section>`;
}

/** What was proven, when, and how long a restore takes. */
function provenWords({ verifiedAt, drilledAt, restoreMs }: ArchiveDocument["row"]): Html {
	const verified =
		verifiedAt === undefined ? html`never read back` : html`read back ${exactTime(verifiedAt)}`;
	if (drilledAt === undefined || restoreMs === undefined) return html`${verified}; never restored in a drill`;
	return html`${verified}; restored in a drill ${exactTime(drilledAt)}, in ${formatSeconds(restoreMs / 1000)}`;
}

function restore({ row, resourceRow }: ArchiveDocument, frame: Frame): Html {
	const refusal = row.damaged
		? "This archive is damaged. Restore an older one, and verify the rest."
		: resourceRow === null
			? `${row.host} does not show this resource any more, so there is nothing to replace.`
			: refusalOf(resourceRow);
	const paths = frame.query.getAll("path").slice(0, 100);
	return html`<section id="restore" aria-labelledby="restore-head">
		<h2 id="restore-head">Restore</h2>
		<form method="post" action="${frame.root}plans" class="fields">
			${tokenField()}
			<input type="hidden" name="host" value="${row.host}"><input type="hidden" name="resource" value="${row.resource}"><input type="hidden" name="archive" value="${row.id}">
			<input type="hidden" name="action" value="restore">
			<fieldset><legend>1 What</legend>
				${radio("what", "everything", paths.length === 0)} everything in it</label>
				${radio("what", "chosen", paths.length > 0)} only these files and folders</label>
				<label>Files and folders, one a line, as the archive names them <textarea name="paths" rows="3" spellcheck="false" autocapitalize="none">${paths.join("\n")}</textarea></label>
			</fieldset>
			<fieldset><legend>2 Where</legend>
				${radio("where", "replace", true)} in ${resourceTitle(row.host, row.resource)}: exactly as in the archive; what is there now is kept, to go back to</label>
				${radio("where", "merge", false)} over what is there: nothing is removed</label>
				${radio("where", "beside", false)} beside it, as something new: what is there is not touched</label>
				<label>Name of what is new <input name="as" autocomplete="off" autocapitalize="none" spellcheck="false" value="${newName(row)}"></label>
			</fieldset>
			<p>Nothing happens yet: first the plan is made and shown.</p>
			<button class="main"${refusal !== undefined && html` disabled`}>3 Show the plan</button>
			${refusal !== undefined && html`<p class="notice">${refusal}</p>`}
		</form>
		${sameAs("restore", row.short, "--plan")}
	</section>`;
}

function radio(name: string, value: string, isChosen: boolean): Html {
	return html`<label class="choice"><input type="radio" name="${name}" value="${value}"${isChosen && html` checked`}>`;
}

/** `grafana-data-7f3a` */
function newName({ resource, short }: ArchiveDocument["row"]): string {
	const name = resourceName(resource);
	return `${name.slice(name.lastIndexOf("/") + 1)}-${short}`;
}

function openWithoutDavit({ row, path }: ArchiveDocument): Html {
	const where =
		path === null
			? html`<p>Its folder is not known while ${row.host} is not heard.</p>`
			: html`<p>It lies on ${row.host} in</p><pre>${path}</pre>`;
	return html`<section id="open" aria-labelledby="open-head">
		<h2 id="open-head">Open it without Davit</h2>
		${where}
		<p>with a <code>RESTORE.md</code> that says how, and a <code>restore.sh</code> that does it. Plain tools read it:</p>
		<pre>sha256sum -c SHA256SUMS &amp;&amp; zstd -dc content.tar.zst | tar -xpf - --numeric-owner -C /some/empty/folder</pre>
	</section>`;
}
