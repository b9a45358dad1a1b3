import { plain } from "./table.ts";

/** `nas/grafana-data`: a volume is named without its kind; `nas` for everything on it. */
export function shortAddress({ host, resource }: { host: string; resource: string }): string {
	if (resource === `host:${host}`) return plain(host);
	return plain(`${host}/${resource.replace(/^volume:/, "")}`);
}
