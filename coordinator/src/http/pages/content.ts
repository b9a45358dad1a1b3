import type { ArchiveContentDocument, BrowsedEntry } from "@davit/protocol";
import { foreign, type Html, html, type Inserted, spelledOut } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import { exactTime, formatBytes, formatCount } from "./format.ts";
import { archiveLink, resourceTitle, sameAs } from "./links.ts";
import { table } from "./tables.ts";

/** One folder of an archive. */
export function contentPage(document: ArchiveContentDocument, frame: Frame): Page {
	const { row, folder } = document;
	return {
		title: `Archive ${row.short}: ${folder === "" ? "content" : folder}`,
		state: row.damaged ? "failed" : "safe",
		place: "Archives",
		asOf: document.asOf,
		view: null,
		sections: [
			{ id: "verdict", html: head(document, frame) },
			{ id: "content", html: list(document, frame) },
		],
	};
}

/** The page of a folder of an archive, seen from the served root. */
export function contentPath(archive: string, { folder = "", from = 0 } = {}): string {
	const query = new URLSearchParams({
		...(folder === "" ? {} : { folder }),
		...(from === 0 ? {} : { from: String(from) }),
	});
	const text = query.toString();
	return `archives/${archive}/content${text === "" ? "" : `?${text}`}`;
}

function head({ row, folder }: ArchiveContentDocument, { root }: Frame): Html {
	const parts = folder === "" ? [] : folder.split("/");
	const crumbs = parts.map((part, index) => {
		const inner = parts.slice(0, index + 1).join("/");
		const isHere = index === parts.length - 1;
		return html` / ${isHere ? html`<span aria-current="page">${foreign(part)}</span>` : html`<a href="${root}${contentPath(row.id, { folder: inner })}">${foreign(part)}</a>`}`;
	});
	return html`<header id="verdict">
		<h1>In archive ${row.short} of ${resourceTitle(row.host, row.resource)}</h1>
		<nav aria-label="Folder"><p class="lead">${folder === "" ? "its root" : html`<a href="${root}${contentPath(row.id)}">root</a>${crumbs}`}</p></nav>
		<p>${archiveLink(root, row.id, "About this archive, and how it is restored")}</p>
	</header>`;
}

function list(document: ArchiveContentDocument, { root }: Frame): Html {
	const { row, folder, entries, total, from, next } = document;
	const rows = entries.map((entry) => cells(entry, document, root));
	const shown =
		total === 0
			? "It is empty."
			: `${formatCount(from + 1)} to ${formatCount(from + entries.length)} of ${formatCount(total)}.`;
	const more = [
		from > 0 && html`<a href="${root}${contentPath(row.id, { folder })}">First</a> `,
		next !== null && html`<a href="${root}${contentPath(row.id, { folder, from: next })}">Next</a>`,
	];
	return html`<section id="content" aria-labelledby="content-head">
		<h2 id="content-head">What it holds</h2>
		<p>${entries.length === 0 && total > 0 ? `There are only ${formatCount(total)}.` : shown}</p>
		${entries.length > 0 && table(html`Entries of ${folder === "" ? "the root" : foreign(folder)}`, columns, rows)}
		<nav aria-label="Pages"><p>${more}</p></nav>
		${sameAs("browse", row.short, ...(folder === "" ? [] : [folder]), ...(from === 0 ? [] : ["--from", String(from)]))}
	</section>`;
}

const columns = [
	{ head: "Name" },
	{ head: "Kind" },
	{ head: "Size", isNumber: true },
	{ head: "Changed" },
	{ head: "Mode" },
	{ head: "Owner" },
	{ head: "Restore", isQuiet: true },
];

function cells(entry: BrowsedEntry, { row, folder }: ArchiveContentDocument, root: string): Inserted[] {
	const inner = folder === "" ? entry.name : `${folder}/${entry.name}`;
	const mayOpen = entry.type === "directory" && entry.nameBytes === undefined;
	const name = mayOpen
		? html`<a href="${root}${contentPath(row.id, { folder: inner })}">${foreign(entry.name)}/</a>`
		: foreign(entry.name);
	const target = entry.target !== undefined && html` <span class="muted">to ${foreign(entry.target)}</span>`;
	const skipped =
		entry.skipped !== undefined &&
		html` <span class="muted">not in the archive: ${foreign(entry.skipped)}</span>`;
	return [
		html`${name}${target}${skipped}`,
		entry.type,
		entry.type === "file" ? formatBytes(entry.size) : "",
		entry.modifiedAt === undefined ? "unknown" : exactTime(entry.modifiedAt),
		html`<code>${entry.mode.toString(8).padStart(4, "0")}</code>`,
		`${entry.uid}:${entry.gid}`,
		restoreLink(entry, { row, folder }, root),
	];
}

/** To the choices of a restore, with this one chosen. */
function restoreLink(
	{ name, nameBytes, skipped }: BrowsedEntry,
	{ row, folder }: Pick<ArchiveContentDocument, "row" | "folder">,
	root: string,
): Inserted {
	if (nameBytes !== undefined || skipped !== undefined) return "";
	const query = new URLSearchParams({ path: folder === "" ? name : `${folder}/${name}` });
	return html`<a href="${root}archives/${row.id}?${query.toString()}#restore" aria-label="${spelledOut(`Restore… ${name}`)}">Restore…</a>`;
}
