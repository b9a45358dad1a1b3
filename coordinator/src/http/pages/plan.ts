import type { PlanDocument } from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import {
	countEntries,
	countOf,
	exactTime,
	formatBytes,
	formatCount,
	formatSeconds,
	moment,
} from "./format.ts";
import { planRestoreForm, planUndoForm, tokenField } from "./forms.ts";
import { archiveLink, resourceLink, resourceTitle, runLink, sameAs } from "./links.ts";

/** What will happen, in full, and the name to type. Pressing runs exactly this plan, or refuses because the facts moved. */
export function planPage(document: PlanDocument, frame: Frame, refusal?: string): Page {
	const { facts, state } = document;
	return {
		title: `Plan ${document.plan}`,
		state: state === "ready" ? "running" : state === "applied" ? "safe" : "failed",
		place: "Archives",
		asOf: document.asOf,
		view: refusal === undefined ? undefined : null,
		sections: [
			{
				id: "verdict",
				html: html`<header id="verdict">
					<h1>${facts.action === "undo" ? "Undo a restore of" : "Restore"} ${resourceTitle(document.host, facts.resource)}${state === "blocked" && ": it cannot be done now"}</h1>
					<p class="lead">${facts.action === "undo" ? "The data from before the restore comes back" : promise(document, frame)}, as it was ${moment(facts.contentAt, frame.now)} (${exactTime(facts.contentAt)}).</p>
				</header>`,
			},
			{ id: "plan", html: plan(document, frame) },
			{ id: "act", html: act(document, frame, refusal) },
		],
	};
}

function promise({ facts }: PlanDocument, { root }: Frame): Html {
	const { paths, merge, as } = facts.choice ?? {};
	const archive = archiveLink(root, facts.archive);
	const what =
		paths === undefined ? html`what archive ${archive} holds` : html`what was chosen of archive ${archive}`;
	if (as !== undefined) return html`${foreign(as)} is made of ${what}; the original is not touched`;
	if (merge === true) return html`It has all of ${what}, and keeps what the archive lacks`;
	if (paths === undefined) return html`It becomes exactly ${what}`;
	return html`In it, ${countOf(paths.length, "path")} become exactly ${what}, and the rest stays`;
}

function plan({ plan: id, host, facts, asOf, expiresAt }: PlanDocument, frame: Frame): Html {
	const blockers = facts.blockers.map(
		({ message, hint, code }) =>
			html`<li>${foreign(message)} <strong>${foreign(hint)}</strong> <span class="muted">code ${code}</span></li>`,
	);
	const stops = facts.stops.map(
		({ name, state }) => html`<li>${foreign(name)} <span class="muted">${foreign(state)} now</span></li>`,
	);
	return html`<section id="plan" aria-labelledby="plan-head">
		<h2 id="plan-head">Plan <code>${id}</code></h2>
		<p class="muted">Facts as of ${exactTime(asOf)}; good until ${exactTime(expiresAt)}. On ${resourceLink(frame.root, host, facts.resource)}.</p>
		${blockers.length > 0 && html`<h3>In the way</h3><ul class="blockers">${blockers}</ul>`}
		<dl>
			<dt>Stops</dt><dd>${stops.length === 0 ? "no container" : html`${countOf(stops.length, "container")}, and starts ${stops.length === 1 ? "it" : "them"} again: <ul>${stops}</ul>`}</dd>
			<dt>Down</dt><dd>${facts.downtimeSeconds === undefined ? "not measured yet" : `about ${formatSeconds(facts.downtimeSeconds)}, as measured at the last restore`}</dd>
			${facts.choice?.paths !== undefined && html`<dt>Only</dt><dd><ul>${facts.choice.paths.map((path) => html`<li><code>${foreign(path)}</code></li>`)}</ul></dd>`}
			${change("Replaces", facts.replaces, facts.examples.replaces)}
			${change("Adds", facts.adds, facts.examples.adds)}
			${change("Removes", facts.removes, facts.examples.removes)}
			<dt>Needs</dt><dd>${formatBytes(facts.needsBytes)}; ${formatBytes(facts.freeBytes)} are free</dd>
			<dt>Keeps</dt><dd>${facts.choice?.as === undefined ? `the present data for ${formatSeconds(facts.undoSeconds)}, to go back to` : "everything that is there"}</dd>
		</dl>
	</section>`;
}

function change(verb: string, count: number, examples: readonly string[]): Html {
	const rest = count - examples.length;
	const list = html`<ul>${examples.map((name) => html`<li><code>${foreign(name)}</code></li>`)}${rest > 0 && html`<li>and ${formatCount(rest)} more</li>`}</ul>`;
	const body = examples.length === 0 ? "" : html`<details><summary>see which</summary>${list}</details>`;
	return html`<dt>${verb}</dt><dd>${countEntries(count)}${body}</dd>`;
}

function act(document: PlanDocument, frame: Frame, refusal: string | undefined): Html {
	return html`<section id="act" aria-labelledby="act-head">${actBody(document, frame, refusal)}</section>`;
}

function actBody(document: PlanDocument, frame: Frame, refusal: string | undefined): Html {
	const { state, run, plan: id, confirm, facts, host } = document;
	const of = { host, resource: facts.resource, archive: facts.archive };
	if (state === "applied") {
		return html`<h2 id="act-head">It was applied</h2><p>${run === null ? "The run is not known." : runLink(frame.root, { run }, `Open ${run}`)}</p>`;
	}
	if (state !== "ready") {
		const again =
			facts.action === "undo"
				? planUndoForm(frame, of)
				: planRestoreForm(frame, of, { label: "Make the plan again" });
		return html`<h2 id="act-head">${state === "expired" ? "This plan is too old to be applied" : "Mend what is in the way, then"}</h2><div class="buttons">${again}</div>`;
	}
	const verb = facts.action === "undo" ? "Undo" : "Restore";
	return html`<h2 id="act-head">Type <code>${foreign(confirm)}</code> to go on</h2>
		<form method="post" action="${frame.root}plans/${id}/apply" class="fields">
			${tokenField()}
			${refusal !== undefined && html`<p class="notice" id="refusal" role="alert">${refusal}</p>`}
			<label>Name of what is replaced <input name="confirm" required autocomplete="off" autocapitalize="none" spellcheck="false"${refusal !== undefined && html` aria-invalid="true" aria-describedby="refusal"`}></label>
			<button class="danger">${verb}</button>
		</form>
		${sameAs("apply", id, "--confirm", confirm)}`;
}
