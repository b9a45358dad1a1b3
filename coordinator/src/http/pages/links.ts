import { type HostName, ResourceId, type Run, resourceName, wholeHost } from "@davit/protocol";
import { foreign, type Html, html } from "../html.ts";
import type { Frame } from "../page.ts";

export function resourcePath(host: string, resource: string): string {
	return `resources/${encodeURIComponent(host)}/${encodeURIComponent(resource)}`;
}

export function resourceLink(root: string, host: HostName, resource: ResourceId): Html {
	const path = isWholeHost(host, resource) ? `hosts/${host}` : resourcePath(host, resource);
	return html`<a href="${root}${path}">${resourceTitle(host, resource)}</a>`;
}

/** `nas / grafana-data`; of a host as a whole `everything on nas` */
export function resourceTitle(host: HostName, resource: ResourceId): Html {
	if (isWholeHost(host, resource)) return html`everything on ${host}`;
	return html`${host} / ${foreign(resourceName(resource))}`;
}

function isWholeHost(host: HostName, resource: ResourceId): boolean {
	return resource === wholeHost(host);
}

export function hostLink(root: string, host: HostName): Html {
	return html`<a href="${root}hosts/${host}">${host}</a>`;
}

export function runLink(root: string, { run }: Pick<Run, "run">, text: string = run): Html {
	return html`<a href="${root}runs/${run}">${text}</a>`;
}

export function archiveLink(root: string, archive: string, text: string = archive): Html {
	return html`<a href="${root}archives/${archive}">${text}</a>`;
}

/** The parts of an address `host/kind:name`, or `undefined` where it names a whole host or a repository. */
export function splitAddress(address: string): { host: string; resource: ResourceId } | undefined {
	const slash = address.indexOf("/");
	const resource = ResourceId.safeParse(address.slice(slash + 1));
	return slash > 0 && resource.success
		? { host: address.slice(0, slash), resource: resource.data }
		: undefined;
}

/** A link to whatever an address names. */
export function addressLink({ root }: Frame, address: string): Html {
	const parts = splitAddress(address);
	if (parts === undefined) {
		const [host = ""] = address.split("/");
		return html`<a href="${root}hosts/${encodeURIComponent(host)}">${foreign(address)}</a>`;
	}
	const { host, resource } = parts;
	return html`<a href="${root}${resourcePath(host, resource)}">${host} / ${foreign(resourceName(resource))}</a>`;
}

/** The command that does the same, for whoever would rather type it. */
export function sameAs(...words: readonly string[]): Html {
	return html`<p class="same-as">same as <code>${foreign(["davit", ...words].map(quote).join(" "))}</code></p>`;
}

function quote(word: string): string {
	return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
