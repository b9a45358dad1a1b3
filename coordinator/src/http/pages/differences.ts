import type { DifferencesDocument } from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import { countEntries, formatCount } from "./format.ts";
import { archiveLink, resourceTitle, sameAs } from "./links.ts";
import { table } from "./tables.ts";

/** What differs between an archive and what is there now, or another archive. */
export function differencesPage(document: DifferencesDocument, frame: Frame): Page {
	const { row } = document;
	return {
		title: `Archive ${row.short}: differences`,
		state: row.damaged ? "failed" : "safe",
		place: "Archives",
		asOf: document.asOf,
		view: null,
		sections: [
			{ id: "verdict", html: head(document, frame) },
			{ id: "differences", html: list(document, frame) },
		],
	};
}

/** The page of an archive's differences, seen from the served root. */
export function differencesPath(archive: string, { against = "live", from = 0 } = {}): string {
	const query = new URLSearchParams({ against, ...(from === 0 ? {} : { from: String(from) }) });
	return `archives/${archive}/differences?${query.toString()}`;
}

function head({ row, against, counts }: DifferencesDocument, { root }: Frame): Html {
	const other =
		against === "live"
			? html`what is in ${resourceTitle(row.host, row.resource)} now`
			: html`archive ${archiveLink(root, against)}`;
	return html`<header id="verdict">
		<h1>From archive ${row.short} to ${other}</h1>
		<p class="lead">${countEntries(counts.changed)} changed, ${formatCount(counts.added)} added, ${formatCount(counts.removed)} removed, ${formatCount(counts.metadata)} with another owner, mode or time only; ${formatCount(counts.same)} are the same.</p>
		<p>${archiveLink(root, row.id, "About this archive, and how it is restored")}</p>
	</header>`;
}

const words = {
	added: "added: not in the archive",
	removed: "removed: only in the archive",
	changed: "changed",
	metadata: "owner, mode or time",
} as const;

const columns = [{ head: "Path" }, { head: "How" }, { head: "Kind" }];

function list({ row, against, differences, from, next }: DifferencesDocument, { root }: Frame): Html {
	const rows = differences.map(({ path, kind, type }) => [foreign(path), words[kind], type]);
	const more = [
		from > 0 && html`<a href="${root}${differencesPath(row.id, { against })}">First</a> `,
		next !== null && html`<a href="${root}${differencesPath(row.id, { against, from: next })}">Next</a>`,
	];
	return html`<section id="differences" aria-labelledby="differences-head">
		<h2 id="differences-head">Which</h2>
		${differences.length === 0 ? html`<p>${from === 0 ? "Nothing differs." : "There are no more."}</p>` : table("Differences", columns, rows)}
		<nav aria-label="Pages"><p>${more}</p></nav>
		${sameAs("diff", row.short, against, ...(from === 0 ? [] : ["--from", String(from)]))}
	</section>`;
}
