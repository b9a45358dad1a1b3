import { HostName, PrincipalName } from "@davit/protocol";
import type { OpenPage } from "./open-page.ts";

export interface Screen {
	readonly name: string;
	/** Seen from the served root. */
	readonly path: string;
}

/** Every screen, and the states of it that look different. Makes the plans it shows. */
export async function screensOf(page: OpenPage): Promise<Screen[]> {
	const { archives, runs, resources } = page.desk.fleet;
	const host = HostName.parse("nas");
	const planOf = async (name: string): Promise<string> => {
		const archive = archives.find(({ resource }) => resource.endsWith(name));
		if (archive === undefined) throw new Error(`the fleet has no archive of ${name}`);
		const { host, resource, id } = archive;
		const wanted = { host, resource, action: { action: "restore", archive: id } } as const;
		return (await page.desk.makePlan(wanted, PrincipalName.parse("page"), AbortSignal.timeout(1000))).plan;
	};
	const of = (name: string, path: string): Screen => ({ name, path });
	const press = { version: 1, host, operation: "host.backup", params: { host } } as const;
	const whole = page.desk.ask(press, PrincipalName.parse("page")).run;
	return [
		of("overview", ""),
		of("resources", "resources"),
		of("resources, nothing matches", "resources?state=ignored"),
		...resources.map(({ host, resource, state, name }) =>
			of(`resource ${name}, ${state}`, `resources/${host}/${encodeURIComponent(resource)}`),
		),
		of("beforehand", `resources/nas/${encodeURIComponent("volume:grafana-data")}/preview`),
		of("beforehand, blocked", `resources/nas/${encodeURIComponent("path:/srv/photos")}/preview`),
		of("archives", "archives"),
		of("archive", `archives/${archives[0]?.id}`),
		of("content of an archive", `archives/${archives[0]?.id}/content`),
		of("content, a folder", `archives/${archives[0]?.id}/content?folder=plugins`),
		of("differences", `archives/${archives[0]?.id}/differences`),
		of("differences, none", `archives/${archives[0]?.id}/differences?from=200`),
		of("plan, ready", `plans/${await planOf("grafana-data")}`),
		of("plan, blocked", `plans/${await planOf("photos")}`),
		of("runs", "runs"),
		...runs.map(({ run, state }) => of(`run, ${state}`, `runs/${run}`)),
		of("run, with parts", `runs/${whole}`),
		of("schedules", "schedules"),
		of("schedule", "schedules/nightly"),
		of("hosts", "hosts"),
		of("hosts, waiting", "hosts?waiting=shed"),
		of("host", "hosts/nas"),
		of("host, not heard", "hosts/attic"),
		of("recovery", "recovery"),
		of("what stays", "simulations?of=nightly&days=90"),
		of("not found", "runs/raaaaaaaz"),
	];
}

/** A fleet in which nothing is there yet. */
export const emptyFleet = () => ({ hosts: [], resources: [], archives: [], runs: [], schedules: [] });
