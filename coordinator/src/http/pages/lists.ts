import {
	type ArchivesDocument,
	type ResourcesDocument,
	RunState,
	type RunsDocument,
	StateWord,
	type StatusDocument,
} from "@davit/protocol";
import { type Html, html } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import { countOf, formatCount } from "./format.ts";
import { sameAs } from "./links.ts";
import { archiveTable, pager, resourceTable, runTable } from "./tables.ts";
import { stateMark, wordOfRun } from "./words.ts";

interface Fleet {
	readonly counts: StatusDocument["counts"];
	readonly hosts: readonly string[];
}

/** Every resource, at most 100 rows a page; filter and page stand in the address. */
export function resourcesPage(document: ResourcesDocument & { fleet: Fleet }, frame: Frame): Page {
	const { items, total, fleet } = document;
	const chips = StateWord.options.flatMap((state) => {
		const count = fleet.counts[state] ?? 0;
		const label = html`${stateMark(state)} ${formatCount(count)}`;
		return count === 0 ? [] : [html`<li><a href="${frame.root}resources?state=${state}">${label}</a></li>`];
	});
	const filter = html`<ul class="inline chips"><li><a href="${frame.root}resources">all</a></li>${chips}</ul>
		${filterForm(frame, { path: "resources", hosts: fleet.hosts, states: StateWord.options })}`;
	const empty = hasFilter(frame)
		? html`<p>Nothing matches. <a href="${frame.root}resources">Show all resources</a></p>`
		: html`<p>Volumes and folders of the hosts that joined stand here. <a href="${frame.root}hosts">Join a host</a></p>`;
	return listPage(document, frame, {
		place: "Resources",
		heading: countOf(total, "resource"),
		filter,
		rows: items.length === 0 ? empty : resourceTable(frame, "Resources, and when they were backed up", items),
		command: ["list", "resources"],
	});
}

/** Every archive of the fleet, newest first; those of hosts and resources that are gone too. */
export function archivesPage(document: ArchivesDocument & { fleet: Fleet }, frame: Frame): Page {
	const { items, total, fleet } = document;
	const empty = html`<p>No archive is known${hasFilter(frame) ? " that matches" : " yet; the first comes with the first backup"}.</p>`;
	return listPage(document, frame, {
		place: "Archives",
		heading: countOf(total, "archive"),
		filter: filterForm(frame, { path: "archives", hosts: fleet.hosts, states: [] }),
		rows: items.length === 0 ? empty : archiveTable(frame, "Archives, newest first", { rows: items }),
		command: ["list", "archives"],
	});
}

/** Every run, newest first. */
export function runsPage(document: RunsDocument & { fleet: Fleet }, frame: Frame): Page {
	const { items, total, fleet } = document;
	const empty = html`<p>No run is known${hasFilter(frame) ? " that matches" : " yet; press Back up on a resource"}.</p>`;
	return listPage(document, frame, {
		place: "Runs",
		heading: countOf(total, "run"),
		filter: filterForm(frame, { path: "runs", hosts: fleet.hosts, states: RunState.options }),
		rows: items.length === 0 ? empty : runTable(frame, "Runs, newest first", items),
		command: ["list", "runs"],
	});
}

interface List {
	readonly place: "Resources" | "Archives" | "Runs";
	readonly heading: string;
	readonly filter: Html;
	readonly rows: Html;
	readonly command: readonly string[];
}

function listPage(
	{ asOf, page, pages }: Pick<RunsDocument, "asOf" | "page" | "pages">,
	frame: Frame,
	{ place, heading, filter, rows, command }: List,
): Page {
	const path = `${frame.root}${place.toLowerCase()}`;
	return {
		title: place,
		state: "ignored",
		place,
		asOf,
		sections: [
			{
				id: "verdict",
				html: html`<header id="verdict"><h1>${heading}${hasFilter(frame) && " match"}</h1></header>`,
			},
			{ id: "filter", html: html`<section id="filter" aria-label="Filter">${filter}</section>` },
			{
				id: "list",
				html: html`<section id="list" aria-label="${place}">${rows}${pager(path, frame.query, { page, pages })}${sameAs(...command)}</section>`,
			},
		],
	};
}

function hasFilter({ query }: Frame): boolean {
	return ["host", "state", "resource"].some((key) => (query.get(key) ?? "") !== "");
}

function filterForm(
	{ root, query }: Frame,
	{ path, hosts, states }: { path: string; hosts: readonly string[]; states: readonly string[] },
): Html {
	const option = (key: string) => (value: string) =>
		html`<option value="${value}"${query.get(key) === value && html` selected`}>${key === "state" ? wordFor(value) : value}</option>`;
	const resource = query.get("resource") ?? "";
	return html`<form action="${root}${path}" class="fields row">
		<label>Host <select name="host"><option value="">every host</option>${hosts.map(option("host"))}</select></label>
		${states.length > 0 && html`<label>State <select name="state"><option value="">every state</option>${states.map(option("state"))}</select></label>`}
		${resource !== "" && html`<label>Resource <input name="resource" value="${resource}"></label>`}
		<button class="plain">Show</button>
	</form>`;
}

function wordFor(value: string): string {
	const run = RunState.safeParse(value);
	return run.success && !StateWord.safeParse(value).success ? wordOfRun(run.data) : value;
}
