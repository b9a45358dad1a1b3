import type { Run, StatusDocument } from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import { formatCount, moment } from "./format.ts";
import { pressForm } from "./forms.ts";
import { addressLink, resourceLink, runLink, sameAs, splitAddress } from "./links.ts";
import { progressOf } from "./progress.ts";
import { hostTable } from "./tables.ts";
import { runStateMark, sayOperation, stateMark, stateMarks, stateShape } from "./words.ts";

type Need = StatusDocument["needs"][number];

/** Is everything safe, and what needs me? The order is fixed: verdict, needs you, now, next, hosts. */
export function overviewPage(status: StatusDocument, frame: Frame): Page {
	const waiting = status.needs.length + status.needsMore;
	const { sign } = stateMarks[status.verdict.state];
	return {
		title: waiting === 0 ? `${sign} Overview` : `${sign} ${formatCount(waiting)}`,
		state: status.verdict.state,
		place: "Overview",
		asOf: status.asOf,
		sections: [
			{ id: "verdict", html: verdict(status, frame) },
			{ id: "needs", html: needs(status, frame) },
			{ id: "now", html: now(status, frame) },
			{ id: "next", html: next(status, frame) },
			{ id: "hosts", html: hosts(status, frame) },
		],
	};
}

function verdict(
	{ verdict: { state, sentence }, broker, site, recovery }: StatusDocument,
	frame: Frame,
): Html {
	return html`<header id="verdict">
		<h1 class="state ${state}">${stateShape(state)} <span>${sentence}</span></h1>
		${!broker.connected && html`<p class="notice">The coordinator is not connected to its broker ${broker.name}, so nothing new is heard.</p>`}
		${recovery !== undefined && html`<p class="notice">${foreign(recovery.sentence)} <a href="${frame.root}recovery">Recovery kit</a></p>`}
		<p class="muted">Site ${site}.</p>
	</header>`;
}

function needs({ needs: items, needsMore }: StatusDocument, frame: Frame): Html {
	if (items.length === 0) return html`<section id="needs" aria-label="Needs you"></section>`;
	return html`<section id="needs" aria-labelledby="needs-head">
		<h2 id="needs-head">Needs you</h2>
		<ul class="rows">${items.map((need) => needRow(need, frame))}</ul>
		${needsMore > 0 && html`<p><a href="${frame.root}resources">and ${formatCount(needsMore)} more</a></p>`}
	</section>`;
}

function needRow(need: Need, frame: Frame): Html {
	return html`<li>
		${stateMark(need.state)} <strong>${addressLink(frame, need.address)}</strong>
		<span class="grow">${foreign(need.sentence)} <code>${foreign(need.do)}</code></span>
		${cureOf(need, frame)}
	</li>`;
}

/** A backup cures what lacks one; everything else wants to be looked at first. */
function cureOf({ state, address }: Need, frame: Frame): Html | undefined {
	const parts = splitAddress(address);
	const isCurable =
		state === "overdue" || state === "failed" || state === "partial" || state === "unprotected";
	if (parts === undefined || !isCurable) return undefined;
	return pressForm(frame, {
		to: "requests",
		fields: { host: parts.host, resource: parts.resource, verb: "backup" },
		label: "Back up",
		name: `Back up ${address}`,
	});
}

function now({ now: runs }: StatusDocument, frame: Frame): Html {
	if (runs.length === 0) return html`<section id="now" aria-label="Now"></section>`;
	return html`<section id="now" aria-labelledby="now-head">
		<h2 id="now-head">Now</h2>
		<ul class="rows">${runs.map((run) => nowRow(run, frame))}</ul>
	</section>`;
}

function nowRow(run: Run, frame: Frame): Html {
	return html`<li>
		${runStateMark(run.state)} <strong>${resourceLink(frame.root, run.host, run.resource)}</strong>
		<span>${sayOperation(run.operation)}</span> <span class="grow">${progressOf(run)}</span>
		${runLink(frame.root, run, `Open ${run.run}`)}
	</li>`;
}

function next({ next: due, total }: StatusDocument, frame: Frame): Html {
	if (due.length === 0) {
		if (total === 0) return html`<section id="next" aria-label="Next"></section>`;
		return html`<section id="next" aria-labelledby="next-head">
			<h2 id="next-head">Next 24 hours</h2>
			<p>Nothing is scheduled. <a href="${frame.root}schedules">Back up everything on a host every night</a></p>
		</section>`;
	}
	const items = due.map(
		({ at, schedule, target }) =>
			html`<li>${moment(at, frame.now)} <a href="${frame.root}schedules/${encodeURIComponent(schedule)}">${foreign(schedule)}</a> <span class="muted">${foreign(target)}</span></li>`,
	);
	return html`<section id="next" aria-labelledby="next-head">
		<h2 id="next-head">Next 24 hours</h2>
		<ul class="inline">${items}</ul>
	</section>`;
}

function hosts({ hosts: rows }: StatusDocument, frame: Frame): Html {
	const body =
		rows.length === 0
			? html`<p>No host has been heard yet. <a href="${frame.root}hosts">Join the first one</a></p>`
			: hostTable(frame, "What each host holds, and when it was heard", rows.slice(0, 100));
	return html`<section id="hosts" aria-labelledby="hosts-head">
		<h2 id="hosts-head">Hosts</h2>
		${body}
		${rows.length > 100 && html`<p><a href="${frame.root}hosts?page=2">and ${formatCount(rows.length - 100)} more hosts</a></p>`}
		${sameAs("status")}
	</section>`;
}
