import type { Assets } from "../assets.ts";
import { type Html, html, htmlText, spelledOut } from "../html.ts";
import { type Frame, type Page, places } from "../page.ts";
import { clockTime } from "./format.ts";
import { shapeSheet, stateMarks } from "./words.ts";

export interface Shell {
	readonly assets: Assets;
	/** The address of its live form, or `undefined` where it does not change. */
	readonly live: string | undefined;
	/** Seconds after which a browser asks for the served root by itself. */
	readonly goesOn?: boolean | undefined;
	/** No places and no search for who is not in. */
	readonly isOutside?: boolean | undefined;
}

/** A whole document. Reading it needs no script, no font and no other site. */
export function renderDocument(page: Page, frame: Frame, shell: Shell): string {
	const { root } = frame;
	const { assets, live } = shell;
	return `<!doctype html>\n${htmlText(html`<html lang="en">
		<head>
			<meta charset="utf-8">
			<meta name="viewport" content="width=device-width, initial-scale=1">
			<meta name="color-scheme" content="light dark">
			<title>${spelledOut(page.title)} · Davit</title>
			<link rel="icon" href="${faviconOf(page)}">
			<link rel="stylesheet" href="${root}${assets.path("page.css")}">
			${shell.goesOn && html`<meta http-equiv="refresh" content="0; url=${root}">`}
			${live !== undefined && html`<script defer src="${root}${assets.path("idiomorph.js")}"></script><script type="module" src="${root}${assets.path("page.js")}"></script>`}
		</head>
		<body${live !== undefined && html` data-live="${live}"`}>
			${shapeSheet()}
			<a class="skip" href="#main">Skip to what matters</a>
			<header class="bar">
				<strong class="brand">Davit</strong>
				${!shell.isOutside && bar(page, frame)}
			</header>
			<div id="stale" class="stale" role="alert" hidden></div>
			<main id="main">${page.sections.map((section) => section.html)}</main>
			<p id="announcer" class="quiet" role="status"></p>
		</body>
	</html>`)}\n`;
}

/** When what is shown was true, with the tab's title and symbol for the script. */
export function asOf(page: Page): Html {
	if (page.asOf === undefined) return html`<p id="as-of" class="muted"></p>`;
	return html`<p id="as-of" class="muted" data-title="${spelledOut(page.title)} · Davit" data-icon="${faviconOf(page)}">as of ${clockTime(page.asOf)}<span id="liveness"></span></p>`;
}

function bar(page: Page, frame: Frame): Html {
	const links = places.map(
		({ path, name }) =>
			html`<li><a href="${frame.root}${path}"${name === page.place && html` aria-current="page"`}>${name}</a></li>`,
	);
	return html`<nav aria-label="Places"><ul class="inline">${links}</ul></nav>
		<form role="search" action="${frame.root}resolve"><input type="search" name="address" required aria-label="Go to an address, a run or an archive" placeholder="nas/grafana-data" autocapitalize="none" spellcheck="false"><button class="plain">Go</button></form>
		${asOf(page)}`;
}

/** The state's own shape, drawn into the address: no request, and a colour that is seen on both kinds of tab. */
function faviconOf({ state }: Page): string {
	const colour =
		state === "safe" ? "#2e8b4f" : state === "ignored" || state === "running" ? "#4a7fb5" : "#d0432f";
	const path = stateMarks[state].shape;
	const drawing = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><path fill="${colour}" d="${path}"/></svg>`;
	return `data:image/svg+xml,${encodeURIComponent(drawing)}`;
}
