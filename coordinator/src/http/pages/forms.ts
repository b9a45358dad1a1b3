import type { ArchiveId, HostName, ResourceId, ResourceRow } from "@davit/protocol";
import { type Html, html, type Inserted, spelledOut } from "../html.ts";
import { type Frame, tokenPlaceholder } from "../page.ts";

interface PressForm {
	/** Where it is posted, seen from the served root. */
	readonly to: string;
	readonly fields: Readonly<Record<string, string>>;
	readonly label: Inserted;
	/** Said to readers in place of the label, where many buttons on a page share it. */
	readonly name?: string;
	/** Why it cannot be pressed now. */
	readonly refusal?: string | undefined;
	readonly weight?: "main" | "danger";
}

/** One button that posts. It works without JavaScript. */
export function pressForm({ root }: Frame, { to, fields, label, name, refusal, weight }: PressForm): Html {
	const hidden = Object.entries(fields).map(
		([key, value]) => html`<input type="hidden" name="${key}" value="${value}">`,
	);
	const named = name === undefined ? undefined : html` aria-label="${spelledOut(name)}"`;
	const blocked = refusal === undefined ? undefined : html` disabled title="${refusal}"`;
	return html`<form method="post" action="${root}${to}" class="press">
		${tokenField()}${hidden}<button class="${weight ?? "plain"}"${named}${blocked}>${label}</button>
	</form>`;
}

export function tokenField(): Html {
	return html`<input type="hidden" name="token" value="${tokenPlaceholder}">`;
}

/** Back up now; where it is being backed up already, the way to that run. */
export function backUpForm(frame: Frame, row: ResourceRow, weight: "main" | "danger" | undefined): Html {
	return pressForm(frame, {
		to: "requests",
		fields: { host: row.host, resource: row.resource, verb: "backup" },
		label: "Back up",
		name: `Back up ${row.address}`,
		refusal: refusalOf(row),
		...(weight === undefined ? {} : { weight }),
	});
}

export function verifyForm(frame: Frame, of: ArchiveOf, refusal: string | undefined): Html {
	return pressForm(frame, {
		to: "requests",
		fields: { host: of.host, resource: of.resource, verb: "verify", archive: of.archive },
		label: "Verify",
		name: `Verify archive ${of.archive}`,
		refusal,
	});
}

/** Restores it where nothing is, compares, and removes it again; without an archive the newest verified one. */
export function drillForm(
	frame: Frame,
	{ archive, ...of }: Omit<ArchiveOf, "archive"> & Partial<Pick<ArchiveOf, "archive">>,
	refusal: string | undefined,
): Html {
	return pressForm(frame, {
		to: "requests",
		fields: { ...of, verb: "drill", ...(archive === undefined ? {} : { archive }) },
		label: "Drill",
		name: archive === undefined ? `Drill the newest archive of ${of.resource}` : `Drill archive ${archive}`,
		refusal,
	});
}

interface ArchiveOf {
	readonly host: HostName;
	readonly resource: ResourceId;
	readonly archive: ArchiveId;
}

/** Makes a plan of a restore and shows it; nothing is changed by it. A `label` of its own says which archive. */
export function planRestoreForm(
	frame: Frame,
	of: ArchiveOf,
	{ label, refusal }: { label?: string; refusal?: string | undefined },
): Html {
	return pressForm(frame, {
		to: "plans",
		fields: { host: of.host, resource: of.resource, action: "restore", archive: of.archive },
		refusal,
		...(label === undefined
			? { label: "Restore…", name: `Restore… archive ${of.archive}: show the plan` }
			: { label }),
	});
}

export function planUndoForm(frame: Frame, of: Omit<ArchiveOf, "archive">, refusal?: string): Html {
	return pressForm(frame, {
		to: "plans",
		fields: { host: of.host, resource: of.resource, action: "undo" },
		label: "Undo…",
		name: "Undo… show the plan",
		refusal,
	});
}

/** Why nothing can be asked of a resource now; no button stays enabled that cannot work. */
export function refusalOf(row: ResourceRow | null): string | undefined {
	if (row?.state === "unknown") return `${row.host} is not heard, so it cannot be asked`;
	return undefined;
}
