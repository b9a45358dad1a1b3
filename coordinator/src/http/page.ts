import type { Instant, StateWord } from "@davit/protocol";
import type { Html } from "./html.ts";

/** What stands in the bar. */
export const places = [
	{ path: "", name: "Overview" },
	{ path: "resources", name: "Resources" },
	{ path: "archives", name: "Archives" },
	{ path: "runs", name: "Runs" },
	{ path: "schedules", name: "Schedules" },
	{ path: "hosts", name: "Hosts" },
	{ path: "recovery", name: "Recovery" },
] as const;
export type Place = (typeof places)[number]["name"];

/** A part of a page that is sent again when it changes. Its HTML is one element with this `id`. */
export interface Section {
	readonly id: string;
	readonly html: Html;
}

export interface Page {
	/** Of the tab, without the product's name. */
	readonly title: string;
	/** The tab's symbol. */
	readonly state: StateWord;
	readonly place: Place | undefined;
	/** The first one holds the `h1`: the verdict. */
	readonly sections: readonly Section[];
	/** Absent on what is no state of anything: a refusal, the door. */
	readonly asOf?: Instant | undefined;
	/** The address whose live form follows this page; absent = its own, `null` = it does not change. */
	readonly view?: string | null | undefined;
}

/** What a template is given beside its document. */
export interface Frame {
	/** From the page's address back to the served root. */
	readonly root: string;
	/** Milliseconds since 1970. */
	readonly now: number;
	readonly query: URLSearchParams;
}

/**
 * Stands in forms for the token of whoever looks, so that one rendering serves all of them. It is put in when a page or a
 * fragment is sent.
 */
export const tokenPlaceholder = `form-token-${crypto.randomUUID()}`;
