import {
	AskedConsistency,
	countedRules,
	type HostRow,
	policyText,
	type ScheduleDocument,
	type ScheduleRow,
	type SchedulesDocument,
	ScheduleTask,
} from "@davit/protocol";
import { foreign, type Html, html, type Inserted } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import { countOf, exactTime, moment } from "./format.ts";
import { pressForm, tokenField } from "./forms.ts";
import { runLink, sameAs } from "./links.ts";
import { simulator, type Tried } from "./simulation.ts";
import { table } from "./tables.ts";
import { runStateMark, stateMark } from "./words.ts";

/** What is done by itself, with a form for one more. */
export function schedulesPage(
	{ document, hosts }: { document: SchedulesDocument; hosts: readonly HostRow[] },
	frame: Frame,
): Page {
	const { items, asOf } = document;
	return {
		title: "Schedules",
		state: items.length === 0 ? "unprotected" : "safe",
		place: "Schedules",
		asOf,
		sections: [
			{
				id: "verdict",
				html: html`<header id="verdict"><h1>${items.length === 0 ? "Nothing is backed up by itself yet" : `${countOf(items.length, "schedule")} ${items.length === 1 ? "works" : "work"} by ${items.length === 1 ? "itself" : "themselves"}`}</h1></header>`,
			},
			{
				id: "list",
				html: html`<section id="list" aria-label="Schedules">${items.length === 0 ? html`<p>Every night at three is a good beginning: fill in the form below.</p>` : scheduleTable(frame, "Schedules and when they are due", items.slice(0, 100))}</section>`,
			},
			{ id: "add", html: addForm(frame, hosts) },
		],
	};
}

export function schedulePage(
	{ document: { row, upcoming, asOf }, tried }: { document: ScheduleDocument; tried: Tried },
	frame: Frame,
): Page {
	const due = upcoming.map(
		(at) => html`<li>${moment(at, frame.now)} <span class="muted">${exactTime(at)}</span></li>`,
	);
	return {
		title: `Schedule ${row.name}`,
		state: row.problem?.state ?? (row.paused ? "ignored" : "safe"),
		place: "Schedules",
		asOf,
		sections: [
			{
				id: "verdict",
				html: html`<header id="verdict"><h1>${foreign(row.name)} ${tasks[row.task].does} ${foreign(row.target)}</h1>${row.problem !== null && html`<p class="notice">${foreign(row.problem.sentence)}</p>`}<p class="lead">${describe(row)}</p>${row.lastRun !== null && html`<p>Last: ${runStateMark(row.lastRun.state)} ${runLink(frame.root, row.lastRun)}</p>`}</header>`,
			},
			{
				id: "upcoming",
				html: html`<section id="upcoming" aria-labelledby="upcoming-head"><h2 id="upcoming-head">Next times</h2>${due.length === 0 ? html`<p>None: it is paused, or its times never come.</p>` : html`<ul>${due}</ul>`}${sameAs("show", row.name)}</section>`,
			},
			...(row.task === "backup" ? [{ id: "keep", html: simulator(tried, frame, row.name) }] : []),
			{ id: "pause", html: html`<section id="pause" aria-label="Pause">${pauseForm(frame, row)}</section>` },
			{
				id: "remove",
				html: html`<section id="remove" aria-labelledby="remove-head"><h2 id="remove-head">Remove</h2><p>Its archives stay. What it did will not be done by it any more.</p>${removeForm(frame, row)}${sameAs("schedule", "remove", row.name)}</section>`,
			},
		],
	};
}

export function scheduleTable(frame: Frame, caption: Inserted, rows: readonly ScheduleRow[]): Html {
	const columns = [
		{ head: "Schedule" },
		{ head: "Does" },
		{ head: "When" },
		{ head: "Next" },
		{ head: "Act", isQuiet: true },
	];
	const cells = rows.map((row) => [
		html`<a href="${frame.root}schedules/${encodeURIComponent(row.name)}">${foreign(row.name)}</a>`,
		html`${tasks[row.task].does} ${foreign(row.target)}${row.problem !== null && html` ${stateMark(row.problem.state)} ${foreign(row.problem.sentence)}`}`,
		describe(row),
		row.paused || row.nextDueAt === null ? "paused" : moment(row.nextDueAt, frame.now),
		removeForm(frame, row),
	]);
	return table(caption, columns, cells);
}

const tasks = {
	backup: { does: "backs up", label: "back up" },
	check: { does: "checks", label: "check a repository, part by part" },
	prune: { does: "prunes", label: "prune a repository" },
} as const satisfies Record<ScheduleTask, object>;

function describe({ cron, timeZone, jitterSeconds, policy, consistency, ...row }: ScheduleRow): Html {
	return html`${row.task === "backup" && row.repository !== null && html`into ${row.repository}, `}<code>${foreign(cron)}</code> ${foreign(timeZone)}${jitterSeconds > 0 && html`, up to ${jitterSeconds} s later`}${policy !== null && html`, keeps ${foreign(policyText(policy))}`}${consistency !== null && html`, writers ${consistency}`}`;
}

function pauseForm(frame: Frame, { name, paused }: ScheduleRow): Html {
	const [verb, label] = paused ? (["resume", "Resume"] as const) : (["pause", "Pause"] as const);
	return html`${pressForm(frame, {
		to: `schedules/${encodeURIComponent(name)}/${verb}`,
		fields: {},
		...{ label, name: `${label} schedule ${name}` },
	})}${sameAs("schedule", verb, name)}`;
}

function removeForm(frame: Frame, { name }: ScheduleRow): Html {
	return pressForm(frame, {
		to: `schedules/${encodeURIComponent(name)}/remove`,
		fields: {},
		label: "Remove",
		name: `Remove schedule ${name}`,
	});
}

function addForm({ root, query }: Frame, hosts: readonly HostRow[]): Html {
	const target = query.get("target") ?? (hosts[0] === undefined ? "" : `${hosts[0].host}/*`);
	const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
	return html`<section id="add" aria-labelledby="add-head">
		<h2 id="add-head">Add a schedule</h2>
		<form method="post" action="${root}schedules" class="fields">
			${tokenField()}
			<label>Name <input name="name" required maxlength="64" value="nightly" autocomplete="off"></label>
			<label>Does <select name="task">${ScheduleTask.options.map((task) => html`<option value="${task}">${tasks[task].label}</option>`)}</select></label>
			<label>What <input name="target" required value="${target}" list="targets" autocomplete="off"><small>an address, or everything on a host as in <code>nas/*</code>; of a repository <code>nas/disk</code></small></label>
			<datalist id="targets">${hosts.map(({ host }) => html`<option value="${host}/*">`)}</datalist>
			<label>Into the repository <input name="repository" maxlength="40" autocomplete="off"><small>of a backup; empty = the host's own archives</small></label>
			<label>When <input name="cron" required value="0 3 * * *" autocomplete="off"><small>minute, hour, day of month, month, day of week</small></label>
			<label>Time zone <input name="timeZone" required value="${zone}" autocomplete="off"></label>
			<fieldset><legend>Keep</legend>${[...countedRules].map((rule) => html`<label>${rule} <input name="${rule}" type="number" min="1" max="10000" inputmode="numeric"></label>`)}<small>all empty = all of them; the newest good one always stays</small></fieldset>
			<label>Containers that write <select name="consistency"><option value="">as each resource says</option>${AskedConsistency.options.map((word) => html`<option>${word}</option>`)}</select></label>
			<button class="main">Add the schedule</button>
		</form>
		${sameAs("schedule", "add", "nightly", target || "nas/*", "--cron", "0 3 * * *", "--time-zone", zone)}
	</section>`;
}
