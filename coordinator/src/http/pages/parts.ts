import type { RunDocument, RunPart } from "@davit/protocol";
import { foreign, type Html, html, type Inserted } from "../html.ts";
import type { Frame } from "../page.ts";
import { countOf, formatBytes, formatSeconds } from "./format.ts";
import { archiveLink, resourceLink, runLink } from "./links.ts";
import { progressOf } from "./progress.ts";
import { table, tookOf } from "./tables.ts";
import { runStateMark, stateMark } from "./words.ts";

/** What a run is made of, part by part as each comes to its end; empty where it has no parts. */
export function partsOf({ run, parts }: RunDocument, frame: Frame): Html {
	if (parts === undefined) return html`<section id="parts" aria-label="Parts"></section>`;
	const columns = [
		{ head: "Part" },
		{ head: "State" },
		{ head: "Size", isNumber: true },
		{ head: "Took", isNumber: true },
		{ head: "Down", isNumber: true },
		{ head: "Archive" },
		{ head: "Run" },
	];
	const rows = parts.map((part): readonly Inserted[] => [
		resourceLink(frame.root, run.host, part.resource),
		html`${markOf(part)}${becauseOf(part)}`,
		numberOf(part, "bytes", formatBytes),
		part.run === null ? "–" : tookOf(part.run),
		numberOf(part, "downtimeMs", (ms) => formatSeconds(ms / 1000)),
		part.run?.archive === undefined ? "–" : archiveLink(frame.root, part.run.archive),
		part.run === null ? "–" : runLink(frame.root, part.run),
	]);
	return html`<section id="parts" aria-labelledby="parts-head">
		<h2 id="parts-head">Parts</h2>
		${table(`${countOf(parts.length, "part")}, in the order in which they begin`, columns, rows)}
	</section>`;
}

function markOf({ state, run }: RunPart): Html {
	return run === null && state === "requested"
		? stateMark("running", "waits for its turn")
		: runStateMark(state);
}

function becauseOf({ state, run, failure }: RunPart): Html | undefined {
	if (failure !== null) {
		return html` <span class="because">${foreign(failure.message)} <span class="muted">code ${failure.code}</span></span>`;
	}
	const isGoing = state === "accepted" || state === "running";
	return run !== null && isGoing ? html` <span class="because">${progressOf(run)}</span>` : undefined;
}

function numberOf({ run }: RunPart, key: string, say: (value: number) => string): string {
	const value = run?.result?.[key];
	return typeof value === "number" ? say(value) : "–";
}
