import {
	type HostDocument,
	type HostRow,
	type HostsDocument,
	type JoinDocument,
	wholeHost,
} from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import type { Frame, Page, Section } from "../page.ts";
import { countOf, exactTime, formatBytes, momentOrNever } from "./format.ts";
import { pressForm, tokenField } from "./forms.ts";
import { sameAs } from "./links.ts";
import { hostTable, pager, resourceTable, table } from "./tables.ts";
import { stateMark, stateMarks, stateShape } from "./words.ts";

/** Every host, and how another one joins. `waitingFor` is a host that was just invited. */
export function hostsPage(
	{ document, waitingFor }: { document: HostsDocument; waitingFor: HostRow | string | undefined },
	frame: Frame,
): Page {
	const { items, total, page, pages, asOf } = document;
	const rows =
		items.length === 0
			? html`<p>No host has been heard yet. On this machine, <code>davit start</code> runs an agent by itself; any other one joins below.</p>`
			: hostTable(frame, "Hosts, and when they were heard", items);
	return {
		title: "Hosts",
		state: "ignored",
		place: "Hosts",
		asOf,
		sections: [
			{ id: "verdict", html: html`<header id="verdict"><h1>${countOf(total, "host")}</h1></header>` },
			{ id: "joining", html: joining(waitingFor, frame) },
			{
				id: "list",
				html: html`<section id="list" aria-label="Hosts">${rows}${pager(`${frame.root}hosts`, frame.query, { page, pages })}${sameAs("list", "hosts")}</section>`,
			},
			{ id: "join", html: joinForm(frame) },
		],
	};
}

/** What a person is shown once after inviting: the string is nowhere else. The rest of the page waits for the host. */
export function invitedPage(page: Page, { host, command, expiresAt }: JoinDocument): Page {
	const invitation: Section = {
		id: "invitation",
		html: html`<section id="invitation" aria-labelledby="invitation-head">
			<h2 id="invitation-head">On ${host}, run</h2>
			<pre tabindex="0" aria-label="Command to run on ${host}">${command}</pre>
			<p>It is good for one host, once, until ${exactTime(expiresAt)}. It is shown only now.</p>
			<details><summary>What this does</summary>
				<p>It connects to this coordinator and compares its certificate's fingerprint with the one in the string, before it sends anything. It then makes a key of its own, which never leaves that host, and is given a broker account of its own. The agent shows what it finds; it changes nothing until it is asked to.</p>
			</details>
			<details><summary>By hand</summary>
				<p>Install Davit on ${host}, then give it the string when <code>davit host join</code> asks for it.</p>
			</details>
		</section>`,
	};
	const [verdict, ...rest] = page.sections;
	const sections = verdict === undefined ? [invitation] : [verdict, invitation, ...rest];
	return { ...page, sections, view: `/hosts?waiting=${host}` };
}

export function hostPage(document: HostDocument, frame: Frame): Page {
	const { row, resources } = document;
	return {
		title: `${stateMarks[row.state].sign} ${row.host}`,
		state: row.state,
		place: "Hosts",
		asOf: document.asOf,
		sections: [
			{ id: "verdict", html: hostVerdict(document, frame) },
			{
				id: "resources",
				html: html`<section id="resources" aria-labelledby="resources-head"><h2 id="resources-head">Resources</h2>${resources.length === 0 ? html`<p>It has shown none yet: no volume, and no folder is configured.</p>` : resourceTable(frame, `Resources of ${row.host}`, resources.slice(0, 100))}${resources.length > 100 && html`<p><a href="${frame.root}resources?host=${row.host}">all ${countOf(resources.length, "resource")}</a></p>`}</section>`,
			},
			{ id: "rescan", html: rescan(document, frame) },
			{ id: "capabilities", html: capabilities(document) },
			{ id: "containers", html: containers(document) },
		],
	};
}

function hostVerdict(document: HostDocument, frame: Frame): Html {
	const { row, archivesPath } = document;
	const skew = row.clockSkewSeconds;
	return html`<header id="verdict">
		<h1 class="state ${row.state}">${stateShape(row.state)} <span>${row.host}: ${foreign(row.because)}</span></h1>
		<dl>
			<dt>Heard</dt><dd>${momentOrNever(row.heardAt, frame.now)}, ${row.online ? "online" : "offline"}</dd>
			<dt>Runs</dt><dd>${row.davit === null ? "an unknown Davit" : html`Davit ${foreign(row.davit)}`}, ${row.engine === null ? "no engine" : html`engine ${foreign(row.engine)}`}</dd>
			<dt>Resources</dt><dd>${row.resources}, of which ${row.safe} safe</dd>
			<dt>Archives</dt><dd>${archivesPath === null ? "unknown" : html`<code>${foreign(archivesPath)}</code>`}${row.archivesFreeBytes !== null && `, ${formatBytes(row.archivesFreeBytes)} left`}</dd>
			<dt>Clock</dt><dd>${skew === null ? "unknown" : `${skew >= 0 ? "+" : ""}${skew.toFixed(1)} s against the coordinator's`}</dd>
		</dl>
		${sameAs("show", row.host)}
		${backUpEverything(document, frame)}
	</header>`;
}

/** Where it is under way already, a press is answered with that run. */
function backUpEverything({ row, resources }: HostDocument, frame: Frame): Html {
	const refusal = row.online ? undefined : `${row.host} is not heard, so it cannot be asked`;
	const press = pressForm(frame, {
		to: "requests",
		fields: { host: row.host, resource: wholeHost(row.host), verb: "backup" },
		label: "Back up everything",
		refusal: resources.length === 0 ? "it has shown nothing to back up" : refusal,
		weight: "main",
	});
	return html`<div class="buttons">${press}</div>${sameAs("backup", row.host)}`;
}

/** What is known of its archives is rebuilt from the archives and repositories alone. */
function rescan({ row }: HostDocument, frame: Frame): Html {
	const press = pressForm(frame, {
		to: `hosts/${encodeURIComponent(row.host)}/rescan`,
		fields: {},
		label: "Rescan",
		name: `Rescan the archives of ${row.host}`,
		refusal: row.online ? undefined : `${row.host} is not heard, so it cannot be asked`,
	});
	return html`<section id="rescan" aria-labelledby="rescan-head"><h2 id="rescan-head">Archives</h2>
		<div class="buttons">${press}<span class="muted">finds out anew what its archives' folder and its repositories hold; nothing is changed in them</span></div>
		${sameAs("repository", "rescan", row.host)}</section>`;
}

function capabilities({ capabilities: found }: HostDocument): Html {
	const rows = found.map(({ name, available, detail, hint }) => [
		name,
		available ? stateMark("safe", "there") : stateMark("unprotected", "missing"),
		html`${foreign(detail)}${!available && hint !== undefined && html` <code>${foreign(hint)}</code>`}`,
	]);
	return html`<section id="capabilities" aria-labelledby="capabilities-head">
		<h2 id="capabilities-head">What it can do</h2>
		${found.length === 0 ? html`<p>It has not said yet.</p>` : table("Capabilities", [{ head: "Capability" }, { head: "State" }, { head: "Found" }], rows)}
	</section>`;
}

function containers({ containers: found }: HostDocument): Html {
	const rows = found.map(({ name, image, state, project, mounts }) => [
		foreign(name),
		foreign(image),
		foreign(state),
		project === undefined ? "–" : foreign(project),
		mounts.length,
	]);
	const columns = [
		{ head: "Container" },
		{ head: "Image" },
		{ head: "State" },
		{ head: "Stack" },
		{ head: "Mounts", isNumber: true },
	];
	return html`<section id="containers" aria-labelledby="containers-head">
		<h2 id="containers-head">Containers</h2>
		${found.length === 0 ? html`<p>None were shown.</p>` : html`<details><summary>${countOf(found.length, "container")}</summary>${table("Containers, as the engine shows them", columns, rows)}</details>`}
	</section>`;
}

function joining(waitingFor: HostRow | string | undefined, { root }: Frame): Html {
	if (waitingFor === undefined) return html`<section id="joining" aria-label="Joining"></section>`;
	if (typeof waitingFor === "string") {
		return html`<section id="joining" aria-label="Joining"><p class="notice">Waiting for <strong>${foreign(waitingFor)}</strong>: it appears here by itself when it has joined. Leaving this page does not stop it.</p></section>`;
	}
	const { host, resources } = waitingFor;
	return html`<section id="joining" aria-label="Joining"><p class="notice">${stateMark("safe", `${host} joined`)}: ${countOf(resources, "resource")} found. <a href="${root}schedules?target=${host}/*">Back them up every night</a> or <a href="${root}hosts/${host}">look at it</a></p></section>`;
}

function joinForm({ root }: Frame): Html {
	return html`<section id="join" aria-labelledby="join-head">
		<h2 id="join-head">Join a host</h2>
		<form method="post" action="${root}invitations" class="fields">
			${tokenField()}
			<label>Its name <input name="host" required pattern="[a-z0-9]([a-z0-9\\-]{0,46}[a-z0-9])?" maxlength="48" autocomplete="off" autocapitalize="none" spellcheck="false"><small>1 to 48 of a-z, 0-9 and -</small></label>
			<button class="main">Make a one-time command</button>
		</form>
		${sameAs("host", "join", "attic")}
	</section>`;
}
