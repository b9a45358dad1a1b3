import { consistencyPhrases, type PreviewDocument } from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import { countEntries, countOf, exactTime, formatBytes, formatSeconds } from "./format.ts";
import { pressForm } from "./forms.ts";
import { resourceLink, resourcePath, resourceTitle, sameAs } from "./links.ts";

/** What a backup would stop, copy and need, as its host found it a moment ago. Nothing was done for it. */
export function previewPage(document: PreviewDocument, frame: Frame): Page {
	const { host, resource, blockers, asOf } = document;
	const isBlocked = blockers.length > 0;
	return {
		title: `Backup of ${host} / ${resource}, beforehand`,
		state: isBlocked ? "failed" : "safe",
		place: "Resources",
		asOf,
		view: null,
		sections: [
			{
				id: "verdict",
				html: html`<header id="verdict">
					<h1>What a backup of ${resourceTitle(host, resource)} would do${isBlocked && ": it cannot be done now"}</h1>
					<p class="lead">Nothing was done. As its host found it, ${exactTime(asOf)}.</p>
				</header>`,
			},
			{ id: "preview", html: facts(document, frame) },
			{ id: "act", html: act(document, frame) },
		],
	};
}

/** Of a resource that one page says it beforehand of, seen from the served root. */
export function previewPath(host: string, resource: string): string {
	return `${resourcePath(host, resource)}/preview`;
}

function facts(document: PreviewDocument, frame: Frame): Html {
	const { host, resource, consistency, snapshot, contentBytes, entries, hooks, notes, blockers } = document;
	const known = contentBytes !== undefined && entries !== undefined;
	const reasons = blockers.map(
		({ message, hint, code }) =>
			html`<li>${foreign(message)} <strong>${foreign(hint)}</strong> <span class="muted">code ${code}</span></li>`,
	);
	return html`<section id="preview" aria-labelledby="preview-head">
		<h2 id="preview-head">Beforehand</h2>
		<p class="muted">On ${resourceLink(frame.root, host, resource)}.</p>
		${reasons.length > 0 && html`<h3>In the way</h3><ul class="blockers">${reasons}</ul>`}
		<dl>
			<dt>Containers that write</dt><dd>${consistencyPhrases[consistency]}${snapshot !== undefined && html` (${snapshot})`}</dd>
			<dt>Holds up</dt><dd>${heldUp(document)}</dd>
			<dt>Down</dt><dd>${downFor(document)}</dd>
			<dt>Copies</dt><dd>${known ? html`${formatBytes(contentBytes)} in ${countEntries(entries)}` : "what the engine gives, of unknown size"}</dd>
			<dt>Goes to</dt><dd>${"folder" in document.to ? html`<code>${foreign(document.to.folder)}</code>` : html`repository ${foreign(document.to.repository)}`}</dd>
			${needs(document)}
			${hooks.length > 0 && html`<dt>Hooks</dt><dd>${foreign(hooks.join(", "))}</dd>`}
			${notes.length > 0 && html`<dt>Will note</dt><dd><ul>${notes.map((note) => html`<li>${foreign(note)}</li>`)}</ul></dd>`}
		</dl>
	</section>`;
}

function heldUp({ holds }: PreviewDocument): Html {
	if (holds.length === 0) return html`no container`;
	const each = holds.map(({ name, treatment }) => html`<li>${foreign(name)}, ${treatment}</li>`);
	return html`${countOf(holds.length, "container")}: <ul>${each}</ul>`;
}

function downFor({ holds, predictedDowntimeMs: downMs }: PreviewDocument): string {
	if (holds.length === 0) return "nothing is down";
	return downMs === undefined
		? "not measured yet"
		: `about ${formatSeconds(downMs / 1000)}, as measured before`;
}

function needs({ space }: PreviewDocument): Html | undefined {
	if (space === undefined) return undefined;
	const { needsBytes, freeBytes, reserveBytes } = space;
	return html`<dt>Needs</dt><dd>${formatBytes(needsBytes)} at most; ${formatBytes(freeBytes)} are free, of which ${formatBytes(reserveBytes)} must stay</dd>`;
}

function act({ host, resource, blockers }: PreviewDocument, frame: Frame): Html {
	const press = pressForm(frame, {
		to: "requests",
		fields: { host, resource, verb: "backup" },
		label: "Back up",
		weight: "main",
		...(blockers.length === 0 ? {} : { refusal: "mend what is in the way first" }),
	});
	return html`<section id="act" aria-label="Back up"><div class="buttons">${press}</div>${sameAs("backup", `${host}/${resource}`, "--plan")}</section>`;
}
