import { type ArchiveRow, type KeptReason, policyText, type ResourceRow } from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import type { Frame } from "../page.ts";
import { moment } from "./format.ts";
import { pressForm, refusalOf, tokenField } from "./forms.ts";
import { sameAs } from "./links.ts";

const reasons: Readonly<Record<KeptReason, string>> = {
	last: "last",
	hourly: "hourly",
	daily: "daily",
	weekly: "weekly",
	monthly: "monthly",
	yearly: "yearly",
	within: "within",
	"newest-good": "newest good",
	"newest-drilled": "newest proven",
	pinned: "pinned",
	floor: "floor",
	held: "held",
	"not-verified": "not verified",
	"odd-date": "odd date",
	"newer-than-good": "nothing newer is good",
	damaged: "damaged",
};

/** Why an archive stays, or when it goes. */
export function keptBecause(
	{ keptBecause: because, pinnedAt, goesAt }: Pick<ArchiveRow, "keptBecause" | "pinnedAt" | "goesAt">,
	now: number,
): Html {
	if (goesAt !== undefined) return html`goes ${moment(goesAt, now)}`;
	if (because.length === 0) return html`${pinnedAt === undefined ? "–" : "pinned"}`;
	return html`${sayReasons(because)}`;
}

export function sayReasons(because: readonly KeptReason[]): string {
	return because.map((reason) => reasons[reason]).join(", ");
}

/** Pin, unpin, or take back that it goes. */
export function pinForm(frame: Frame, row: ArchiveRow, refusal: string | undefined): Html {
	const [verb, label] =
		row.goesAt !== undefined
			? (["undelete", "Undelete"] as const)
			: row.pinnedAt === undefined
				? (["pin", "Pin"] as const)
				: (["unpin", "Unpin"] as const);
	return pressForm(frame, {
		to: "requests",
		fields: { host: row.host, resource: row.resource, verb, archive: row.id },
		...{ label, name: `${label} archive ${row.id}`, refusal },
	});
}

/** What stays of a resource, and the hold on it. */
export function keepingSection(frame: Frame, row: ResourceRow): Html {
	const { policy, hold } = row;
	const refusal = refusalOf(row);
	const rule =
		policy === null
			? "All of its archives stay: no policy says otherwise."
			: `What stays: ${policyText(policy)}.`;
	return html`<section id="keeping" aria-labelledby="keeping-head">
		<h2 id="keeping-head">What stays</h2>
		<p>${foreign(rule)} The newest good archive, the newest proven one and pinned ones always stay.</p>
		${hold === null ? holdForm(frame, row, refusal) : releaseForm(frame, row, refusal)}
	</section>`;
}

function releaseForm(frame: Frame, row: ResourceRow, refusal: string | undefined): Html {
	const { hold } = row;
	return html`<p class="notice">Nothing of it is removed since ${hold !== null && moment(hold.since, frame.now)}: ${hold !== null && foreign(hold.because)}.</p>
		${pressForm(frame, {
			to: "requests",
			fields: { host: row.host, resource: row.resource, verb: "release" },
			...{ label: "Release", name: `Release ${row.address}: I have looked at it`, refusal },
		})}
		${sameAs("release", row.address)}`;
}

function holdForm({ root }: Frame, row: ResourceRow, refusal: string | undefined): Html {
	return html`<form method="post" action="${root}requests" class="fields">
			${tokenField()}
			<input type="hidden" name="host" value="${row.host}"><input type="hidden" name="resource" value="${row.resource}"><input type="hidden" name="verb" value="hold">
			<label>Hold everything, because <input name="because" required maxlength="500" autocomplete="off"></label>
			<button${refusal !== undefined && html` disabled title="${refusal}"`}>Hold</button>
		</form>
		${sameAs("hold", row.address, "--because", "the disk makes noises")}`;
}
