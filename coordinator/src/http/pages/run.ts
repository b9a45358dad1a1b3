import { isEnded, type Run, type RunDocument, type RunStep } from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import { clockTime, countEntries, exactTime, formatBytes, formatSeconds, moment } from "./format.ts";
import { planUndoForm, pressForm } from "./forms.ts";
import { archiveLink, resourceLink, resourceTitle, sameAs } from "./links.ts";
import { partsOf } from "./parts.ts";
import { progressOf } from "./progress.ts";
import { table, tookOf } from "./tables.ts";
import { runStateMark, sayOperation, stateMarks, stateOfRun, stateShape, wordOfRun } from "./words.ts";

/** One execution, the same for every verb: what happens, what came of it, what now. */
export function runPage(document: RunDocument, frame: Frame): Page {
	const { run } = document;
	const state = stateOfRun(run.state);
	return {
		title: `${stateMarks[state].sign} ${sayOperation(run.operation)} ${run.run}`,
		state,
		place: "Runs",
		asOf: document.asOf,
		sections: [
			{ id: "verdict", html: verdict(document, frame) },
			{ id: "progress", html: progress(document, frame) },
			{ id: "parts", html: partsOf(document, frame) },
			{ id: "outcome", html: outcome(document, frame) },
			{ id: "undo", html: undo(document, frame) },
			{ id: "steps", html: steps(document) },
		],
	};
}

function verdict({ run }: RunDocument, frame: Frame): Html {
	const state = stateOfRun(run.state);
	const joined = frame.query.get("joined") === "1";
	return html`<header id="verdict">
		<h1 class="state ${state}">${stateShape(state)} <span>${sayOperation(run.operation)} ${resourceTitle(run.host, run.resource)}: ${wordOfRun(run.state)}</span></h1>
		<p class="muted">${run.run} of ${resourceLink(frame.root, run.host, run.resource)}, asked for by ${run.askedBy} ${moment(run.askedAt, frame.now)}</p>
		${joined && html`<p class="notice">This was asked for already, a moment before you pressed. It serves you too; nothing runs twice.</p>`}
	</header>`;
}

function progress({ run, cancel }: RunDocument, frame: Frame): Html {
	if (isEnded(run.state)) return html`<section id="progress" aria-label="Progress"></section>`;
	return html`<section id="progress" aria-labelledby="progress-head">
		<h2 id="progress-head">Progress</h2>
		<p>${run.state === "unknown" ? "The host fell silent. It may go on there; what comes of it is shown when the host is heard again." : progressOf(run)}</p>
		<p class="muted">This goes on if you close the page or the network fails.</p>
		${cancel !== null && html`<div class="buttons">${pressForm(frame, { to: `runs/${run.run}/cancel`, fields: {}, label: "Cancel", name: `Cancel ${run.run}`, weight: "danger" })}<span>${foreign(cancel)}</span></div>${sameAs("cancel", run.run)}`}
	</section>`;
}

function outcome({ run, downtimeSeconds }: RunDocument, frame: Frame): Html {
	if (!isEnded(run.state)) return html`<section id="outcome" aria-label="Outcome"></section>`;
	const warnings = listOf(run, "warnings");
	const notes = listOf(run, "notes");
	return html`<section id="outcome" aria-labelledby="outcome-head">
		<h2 id="outcome-head">Outcome</h2>
		${run.failure && html`<p><strong>Why:</strong> ${foreign(run.failure.message)}</p><p><strong>What now:</strong> ${foreign(run.failure.hint)} <span class="muted">code ${run.failure.code}</span></p>`}
		<dl>
			<dt>Took</dt><dd>${tookOf(run)}</dd>
			${run.archive !== undefined && html`<dt>Archive</dt><dd>${archiveLink(frame.root, run.archive)}</dd>`}
			${figures(run)}
			${downtimeSeconds !== null && html`<dt>Down</dt><dd>${formatSeconds(downtimeSeconds)}</dd>`}
		</dl>
		${warnings.length > 0 && html`<p>Left out or changed while it was read:</p><ul>${warnings.map((warning) => html`<li>${foreign(warning)}</li>`)}</ul>`}
		${notes.length > 0 && html`<p>Done otherwise than asked:</p><ul>${notes.map((note) => html`<li>${foreign(note)}</li>`)}</ul>`}
		${sameAs("log", run.run)}
	</section>`;
}

/** The result's numbers that a person reads; what a newer Davit adds is in the document. */
function figures(run: Run): Html[] {
	const rows: Html[] = [];
	const add = (key: string, name: string, say: (value: number) => string) => {
		const value = run.result?.[key];
		if (typeof value === "number") rows.push(html`<dt>${name}</dt><dd>${say(value)}</dd>`);
	};
	add("predictedDowntimeMs", "Predicted to be down", (ms) => formatSeconds(ms / 1000));
	add("bytes", "Archive's size", formatBytes);
	add("contentBytes", "Content", formatBytes);
	add("entries", "Holds", countEntries);
	add("replaced", "Replaced", countEntries);
	add("added", "Added", countEntries);
	add("removed", "Removed", countEntries);
	return rows;
}

function listOf(run: Run, key: string): string[] {
	const value = run.result?.[key];
	return Array.isArray(value) ? value.filter((item) => typeof item === "string") : [];
}

function undo({ run, undo: point }: RunDocument, frame: Frame): Html {
	if (point === null) return html`<section id="undo" aria-label="Undo"></section>`;
	return html`<section id="undo" aria-labelledby="undo-head">
		<h2 id="undo-head">Undo</h2>
		<p>What was there before is kept; the time to go back ends ${moment(point.until, frame.now)}, ${exactTime(point.until)}.</p>
		<div class="buttons">${planUndoForm(frame, run)}</div>
		${sameAs("undo", run.run)}
	</section>`;
}

function steps({ run, steps: found }: RunDocument): Html {
	const rows = found.map(stepRow);
	return html`<section id="steps" aria-labelledby="steps-head">
		<h2 id="steps-head">Story</h2>
		${found.length === 0 ? html`<p>The host has said nothing of ${run.run} yet.</p>` : table("What happened, in order", [{ head: "When" }, { head: "State" }, { head: "Step" }, { head: "Words" }], rows)}
	</section>`;
}

function stepRow({ at, state, step, message, code }: RunStep) {
	return [
		clockTime(at),
		runStateMark(state),
		step === null ? "–" : foreign(step),
		html`${message !== null && foreign(message)}${code !== null && html` <span class="muted">code ${code}</span>`}`,
	];
}
