import { countedRules, durationText, policyText, type SimulationDocument } from "@davit/protocol";
import type { SimulationWanted } from "../../desk.ts";
import { foreign, type Html, html } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import { calendar } from "./calendar.ts";
import { countOf, exactTime, formatBytes, moment } from "./format.ts";
import { tokenField } from "./forms.ts";
import { sayReasons } from "./keeping.ts";
import { archiveLink, sameAs } from "./links.ts";
import { table } from "./tables.ts";

/** What was tried: what it would keep, or why that cannot be said. */
export type Tried =
	| { readonly wanted: SimulationWanted; readonly document: SimulationDocument }
	| { readonly wanted: SimulationWanted; readonly refusal: string };

const mostRows = 60;

export function simulationPage(document: SimulationDocument, frame: Frame): Page {
	return {
		title: `What stays of ${document.of}`,
		state: "safe",
		place: "Schedules",
		asOf: document.asOf,
		sections: [
			{
				id: "verdict",
				html: html`<header id="verdict"><h1>What stays of ${foreign(document.of)}</h1><p class="lead">${verdictOf(document)}</p></header>`,
			},
			{
				id: "simulation",
				html: html`<section id="simulation" aria-labelledby="simulation-head"><h2 id="simulation-head">Resource by resource</h2>${resultOf(document, frame)}</section>`,
			},
		],
	};
}

/** The form that tries a policy, what came of it, and the button that saves it. */
export function simulator(tried: Tried, frame: Frame, name: string): Html {
	const { wanted } = tried;
	const policy =
		wanted.policy ?? ("document" in tried ? tried.document.resources[0]?.policy : undefined) ?? {};
	const numbers = [...countedRules, "minimumGood" as const].map((rule) => {
		const value = policy[rule];
		return html`<label>${rule === "minimumGood" ? "at least, good" : rule} <input name="${rule}" type="number" min="1" max="10000" inputmode="numeric" value="${value ?? ""}"></label>`;
	});
	const within = policy.withinSeconds === undefined ? "" : durationText(policy.withinSeconds);
	const fields = html`<div class="fields">${numbers}<label>within <input name="within" value="${within}" autocomplete="off"><small>as 30d</small></label></div>`;
	const path = `${frame.root}schedules/${encodeURIComponent(name)}`;
	return html`<section id="keep" aria-labelledby="keep-head">
		<h2 id="keep-head">What stays</h2>
		<form method="get" action="${path}">${fields}<button>Try</button></form>
		${"refusal" in tried ? html`<p class="notice">${foreign(tried.refusal)}</p>` : html`<p>${verdictOf(tried.document)}</p><div id="simulation">${resultOf(tried.document, frame)}</div>`}
		${wanted.policy !== undefined && "document" in tried && saveForm(tried.document, { path, name, wanted })}
		${sameAs("schedule", "simulate", name)}
	</section>`;
}

function saveForm(
	document: SimulationDocument,
	{ path, name, wanted }: { readonly path: string; readonly name: string; readonly wanted: SimulationWanted },
): Html {
	const { withinSeconds, minimumGood, timeZone } = wanted.policy ?? {};
	const given: readonly (readonly [string, string | number | undefined])[] = [
		...countedRules.map((rule) => [rule, wanted.policy?.[rule]] as const),
		...([
			["within", withinSeconds],
			["minimumGood", minimumGood],
			["keepZone", timeZone],
		] as const),
	];
	const hidden = given.flatMap(([field, value]) =>
		value === undefined ? [] : [html`<input type="hidden" name="${field}" value="${value}">`],
	);
	const going = document.today.removes;
	return html`<form method="post" action="${path}/edit" class="fields">
		${tokenField()}${hidden}
		${going > 0 && html`<label>Archives would go: type <code>${name}</code> to confirm <input name="confirm" autocomplete="off"></label>`}
		<button class="${going > 0 ? "danger" : "main"}">Save this policy</button>
	</form>`;
}

function verdictOf({ today, end, days, until, resources, more }: SimulationDocument): Html {
	const of = resources.length + more === 1 ? "" : ` of ${countOf(resources.length + more, "resource")}`;
	return html`Today: ${today.removes === 0 ? "removes nothing" : html`removes ${countOf(today.removes, "archive")}, frees ${formatBytes(today.freesBytes)}`}${of}. In ${countOf(days, "day")}: ${countOf(end.kept, "archive")} kept, about ${formatBytes(end.bytes)}, as of ${exactTime(until)}.`;
}

function resultOf({ resources, until }: SimulationDocument, frame: Frame): Html[] {
	return resources.slice(0, 5).map((resource) => {
		const now = resource.today
			.slice(0, mostRows)
			.map((row) => [
				row.id === null ? "to come" : archiveLink(frame.root, row.id),
				exactTime(row.takenAt),
				formatBytes(row.bytes),
				row.kept
					? html`kept: ${sayReasons(row.reasons)}`
					: html`<del>removed</del>${row.goesAt !== null && html`, goes ${moment(row.goesAt, frame.now)}`}`,
			]);
		const days = resource.days
			.slice(0, mostRows)
			.map(({ date, taken, kept, waiting, removed, bytes }) => [
				...[date, taken, kept, waiting, removed],
				formatBytes(bytes),
			]);
		return html`<h3>${foreign(resource.address)}</h3>
			<p>${foreign(policyText(resource.policy))}${resource.heldBecause !== null && html`; held: ${foreign(resource.heldBecause)}`}</p>
			${resource.today.length + resource.end.length > 0 && calendar(resource, until)}
			${now.length === 0 ? html`<p>It has no archives yet.</p>` : table("Today", [{ head: "Archive" }, { head: "Taken" }, { head: "Size", isNumber: true }, { head: "Kept because" }], now)}
			${days.length > 0 && table("Days to come", [{ head: "Day" }, ...["Taken", "Kept", "Waiting", "Removed", "On disk"].map((head) => ({ head, isNumber: true }))], days)}`;
	});
}
