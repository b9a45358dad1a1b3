import type { RecoveryDocument } from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import type { Frame, Page } from "../page.ts";
import { moment } from "./format.ts";
import { pressForm, tokenField } from "./forms.ts";
import { sameAs } from "./links.ts";
import { table } from "./tables.ts";

const heads = {
	unsaved: "Nobody has a recovery kit yet",
	saved: "There is a recovery kit",
	stale: "The recovery kit is out of date",
} as const;

/** Where the kit is made, and which kits people have. The key itself is never shown here: it is in the download alone. */
export function recoveryPage(document: RecoveryDocument, frame: Frame): Page {
	const { state, sentence, kits, places, asOf } = document;
	return {
		title: "Recovery",
		state: state === "saved" ? "safe" : "unprotected",
		place: "Recovery",
		asOf,
		sections: [
			{
				id: "verdict",
				html: html`<header id="verdict"><h1>${heads[state]}</h1><p class="lead">${foreign(sentence)}</p></header>`,
			},
			{ id: "make", html: makeSection(document, frame) },
			{
				id: "kits",
				html: html`<section id="kits" aria-labelledby="kits-head"><h2 id="kits-head">Kits</h2>${
					kits.length === 0
						? html`<p>None.</p>`
						: table(
								"Recovery kits that were saved",
								[{ head: "Kit" }, { head: "Saved" }, { head: "Recipient" }],
								kits.map(({ number, recipient, savedAt }) => [
									html`<code>${number}</code>`,
									moment(savedAt, frame.now),
									html`<code>${recipient}</code>`,
								]),
							)
				}<p class="muted">An older kit opens older archives: keep it as long as them.</p></section>`,
			},
			{
				id: "places",
				html: html`<section id="places" aria-labelledby="places-head"><h2 id="places-head">Where archives are</h2>${places.length === 0 ? html`<p>Nowhere yet.</p>` : html`<ul>${places.map(({ name, at, note }) => html`<li>${foreign(name)}: <code>${foreign(at)}</code> ${foreign(note)}</li>`)}</ul>`}</section>`,
			},
		],
	};
}

function makeSection({ state }: RecoveryDocument, frame: Frame): Html {
	const isFirst = state === "unsaved";
	const first = pressForm(frame, {
		to: "recovery-kit",
		fields: isFirst ? { withKey: "yes" } : {},
		label: isFirst ? "Download the recovery kit" : "Download it again, without its key",
		...(isFirst ? { weight: "main" as const } : {}),
	});
	const anew = pressForm(frame, {
		to: "recovery-kit",
		fields: { withKey: "yes" },
		label: "Download one with a new key",
	});
	return html`<section id="make" aria-labelledby="make-head"><h2 id="make-head">${isFirst ? "Make one" : "Make another"}</h2>
		<p>One page to print: the key that opens your archives, where they are, and three commands. Its key is made now, is in the download, and is kept nowhere else.</p>
		${first}${!isFirst && anew}${sameAs("recovery-kit", "-o", "kit.txt")}
		<form method="post" action="${frame.root}recovery" class="fields">
			${tokenField()}
			<label>Number of the kit that I have <input name="kit" required maxlength="80" autocomplete="off" spellcheck="false" autocapitalize="none"><small>it stands at its top; archives are encrypted for its key from then on</small></label>
			<button class="plain">I have it</button>
		</form></section>`;
}
