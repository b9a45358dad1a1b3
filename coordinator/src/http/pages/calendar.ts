import { type KeptReason, offsetsOf, type SimulationDocument } from "@davit/protocol";
import { type Html, html } from "../html.ts";
import { exactTime } from "./format.ts";
import { sayReasons } from "./keeping.ts";

type Simulated = SimulationDocument["resources"][number];
type Archive = Simulated["today"][number];

const dayMs = 86_400_000;
const mostWeeks = 60;
const weekdays = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const dateOfDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** What became of the archives of a day; the first that applies is shown. */
const marks = [
	{ sign: "◫", word: "pinned", fits: (reasons: readonly KeptReason[]) => reasons.includes("pinned") },
	{
		sign: "▣",
		word: "kept for weeks or longer",
		fits: (reasons: readonly KeptReason[]) =>
			reasons.some((reason) => reason === "weekly" || reason === "monthly" || reason === "yearly"),
	},
	{ sign: "▢", word: "kept", fits: (reasons: readonly KeptReason[]) => reasons.length > 0 },
] as const;
const removed = { sign: "✕", word: "removed" } as const;

/**
 * A grid of weeks: of days that were, what is decided today; of days to come, what is there at the end. Weeks without an archive are
 * left out. The tables beside it say the same in words.
 */
export function calendar({ policy, today, end }: Simulated, until: SimulationDocument["until"]): Html {
	const offsetMs = offsetsOf(policy.timeZone ?? "UTC");
	const dayOf = ({ takenAt }: Archive) => {
		const atMs = Date.parse(takenAt);
		return Math.floor((atMs + offsetMs(atMs)) / dayMs);
	};
	const days = Map.groupBy([...today, ...end.filter(({ id }) => id === null)], dayOf);
	// Day 0 was a Thursday.
	const weeks = [...new Set([...days.keys()].map((day) => Math.floor((day + 3) / 7)))].sort((a, b) => a - b);
	const rows = weeks.slice(-mostWeeks).map((week) => {
		const monday = week * 7 - 3;
		const cells = weekdays.map((_name, index) => cell(monday + index, days.get(monday + index) ?? []));
		return html`<tr><th scope="row"><span class="quiet">week of </span>${dateOfDay.format(monday * dayMs)}<span class="quiet"> ${new Date(monday * dayMs).getUTCFullYear()}</span></th>${cells}</tr>\n`;
	});
	const heads = ["Week", ...weekdays].map((head) => html`<th scope="col">${head}</th>`);
	const legend = [...marks, removed].map(({ sign, word }) => html`<li>${sign} ${word}</li>`);
	return html`<table class="calendar"><caption>Day by day, and of days to come what is there on ${exactTime(until)}</caption><thead><tr>${heads}</tr></thead><tbody>${rows}</tbody></table>
		<ul class="legend">${legend}</ul>`;
}

function cell(day: number, archives: readonly Archive[]): Html {
	const number = new Date(day * dayMs).getUTCDate();
	if (archives.length === 0) return html`<td class="muted">${number}</td>`;
	const kept = archives.filter((archive) => archive.kept);
	const reasons = kept.flatMap((archive) => archive.reasons);
	const { sign } = marks.find(({ fits }) => kept.length > 0 && fits(reasons)) ?? removed;
	const gone = archives.length - kept.length;
	const words = [
		...(kept.length === 0 ? [] : [`${kept.length} kept: ${sayReasons([...new Set(reasons)])}`]),
		...(gone === 0 ? [] : [`${gone} removed`]),
	].join("; ");
	return html`<td title="${words}">${number} <span aria-hidden="true">${sign}</span><span class="quiet">${words}</span></td>`;
}
