import type { PreviewDocument } from "@davit/protocol";
import { formatBytes, formatCount, formatSeconds } from "./format.ts";
import { shortAddress } from "./short-address.ts";
import { plain } from "./table.ts";

/** What a backup would do, for a person. */
export function describePreview({ host, ...preview }: PreviewDocument): string {
	const { resource, consistency, snapshot, hooks, notes, blockers } = preview;
	const rung = snapshot === undefined ? consistency : `${consistency} (${snapshot})`;
	return [
		`backup of ${shortAddress({ host, resource })}, ${rung}`,
		`  holds up    ${heldUp(preview)}`,
		`  copies      ${copied(preview)}`,
		`  goes to     ${"folder" in preview.to ? plain(preview.to.folder) : `repository ${preview.to.repository}`}`,
		...needed(preview),
		...(hooks.length === 0 ? [] : [`  hooks       ${plain(hooks.join(", "))}`]),
		...notes.map((note) => `  will note   ${plain(note)}`),
		...blockers.map(({ message, hint }) => `  blocked: ${plain(message)} (${plain(hint)})`),
	].join("\n");
}

type Preview = Omit<PreviewDocument, "host">;

function heldUp({ holds, predictedDowntimeMs: downMs }: Preview): string {
	if (holds.length === 0) return "nothing";
	const down = downMs === undefined ? "not measured yet" : `about ${formatSeconds(downMs / 1000)}`;
	const names = holds.map(({ name, treatment }) => `${plain(name)} (${treatment})`);
	return `${names.join(", ")}; time down ${down}`;
}

function copied({ contentBytes, entries }: Preview): string {
	if (contentBytes === undefined || entries === undefined) return "what the engine gives, of unknown size";
	return `${formatBytes(contentBytes)} in ${formatCount(entries, "entry").replace(/ys$/, "ies")}`;
}

function needed({ space }: Preview): string[] {
	if (space === undefined) return [];
	const { needsBytes, reserveBytes, freeBytes } = space;
	return [
		`  needs       ${formatBytes(needsBytes)} at most of ${formatBytes(freeBytes)} free, of which ${formatBytes(reserveBytes)} must stay`,
	];
}
