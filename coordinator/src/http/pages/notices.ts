import type { ErrorDocument } from "@davit/protocol";
import { foreign, html } from "../html.ts";
import type { Frame, Page } from "../page.ts";

/** What was asked, why not, what to do. It stays until it was read. */
export function refusalPage(error: ErrorDocument, { root }: Frame): Page {
	const candidates = error.candidates.map(
		(name) =>
			html`<li><a href="${root}resolve?address=${encodeURIComponent(name)}">${foreign(name)}</a></li>`,
	);
	return {
		title: "Not done",
		state: "failed",
		place: undefined,
		view: null,
		sections: [
			{
				id: "verdict",
				html: html`<header id="verdict">
					<h1>${foreign(error.message)}</h1>
					<p class="lead"><strong>What now:</strong> ${foreign(error.hint)}</p>
					${candidates.length > 0 && html`<p>Did you mean</p><ul>${candidates}</ul>`}
					<p class="muted">code ${error.code}</p>
					<p><a href="${root}">Back to the Overview</a></p>
				</header>`,
			},
		],
	};
}

/** The way in: by link, or by password where one is set. */
export function doorPage(
	{ hasPassword, refusal }: { hasPassword: boolean; refusal?: ErrorDocument },
	{ root }: Frame,
): Page {
	const form = html`<form method="post" action="${root}door" class="fields">
		<label>Password <input type="password" name="password" required autocomplete="current-password"></label>
		<button class="main">Come in</button>
	</form>`;
	return {
		title: "The door",
		state: "ignored",
		place: undefined,
		view: null,
		sections: [
			{
				id: "verdict",
				html: html`<header id="verdict">
					<h1>${refusal === undefined ? "Nobody has come in with this browser yet" : foreign(refusal.message)}</h1>
					${refusal !== undefined && html`<p class="notice">${foreign(refusal.hint)}</p>`}
				</header>`,
			},
			{
				id: "door",
				html: html`<section id="door" aria-label="Come in">
					${hasPassword && form}
					<p>On the coordinator's machine, <code>davit page</code> prints a link that lets one browser in, once, within 10 minutes.</p>
				</section>`,
			},
		],
	};
}

/** After the link was used: the next address is asked for by this very page, so that a strict cookie goes with it. */
export function enteredPage({ root }: Frame): Page {
	return {
		title: "Come in",
		state: "safe",
		place: undefined,
		view: null,
		sections: [
			{
				id: "verdict",
				html: html`<header id="verdict"><h1>You are in</h1><p class="lead"><a href="${root}">Go on to the Overview</a></p></header>`,
			},
		],
	};
}
