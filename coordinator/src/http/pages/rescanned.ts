import type { RescanDocument } from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import type { Page, Section } from "../page.ts";
import { countOf, formatBytes, formatSeconds } from "./format.ts";
import { archiveLink } from "./links.ts";

/** A host's page with what its archives alone told, shown once. */
export function rescannedPage(page: Page, found: RescanDocument, root: string): Page {
	const { host, archives, resources, damaged, bytes, durationMs, damages, repositories } = found;
	const told: Section = {
		id: "rescanned",
		html: html`<section id="rescanned" aria-labelledby="rescanned-head">
			<h2 id="rescanned-head">What the archives of ${host} tell</h2>
			<p>${countOf(archives, "archive")} of ${countOf(resources, "resource")}, ${formatBytes(bytes)}, looked through in ${formatSeconds(durationMs / 1000)}; ${damaged === 0 ? "none is damaged" : html`<strong>${countOf(damaged, "archive")} damaged</strong>`}.</p>
			${damages.length > 0 && html`<ul class="blockers">${damages.map(({ archive, why }) => html`<li>${archiveLink(root, archive)}: ${foreign(why)}</li>`)}</ul>`}
			${repositories.length > 0 && html`<ul>${repositories.map(ofRepository)}</ul>`}
		</section>`,
	};
	const [verdict, ...rest] = page.sections;
	const sections = verdict === undefined ? [told] : [verdict, told, ...rest];
	return { ...page, sections, view: null };
}

function ofRepository({
	name,
	archives,
	broughtBack,
	failure,
}: RescanDocument["repositories"][number]): Html {
	if (failure !== undefined)
		return html`<li>repository ${name} could not be looked into: ${foreign(failure)}</li>`;
	return html`<li>repository ${name}: ${countOf(archives, "archive")}, ${broughtBack} of them known again</li>`;
}
