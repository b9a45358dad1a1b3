import { setTimeout as wait } from "node:timers/promises";
import type { HostDocument, StatusDocument } from "@davit/protocol";
import { CommandError, exitCodes } from "../command-error.ts";
import type { Context } from "../context.ts";
import { callFor } from "../door/call.ts";
import { pageLink } from "../door/page-link.ts";
import { formatCount } from "../output/format.ts";
import { plain } from "../output/table.ts";

/** What `davit start` answers once everything serves; with `--json` its one document. */
export interface Welcome {
	readonly schema: "davit/start/1";
	readonly home: string;
	readonly site: string;
	readonly host: string;
	/** Lets one browser in, once, within 10 minutes. */
	readonly link: string;
	readonly broker: StatusDocument["broker"];
	readonly resources: readonly string[];
	/** The engine's version; null where none answers. */
	readonly engine: string | null;
	readonly hints: readonly string[];
}

/** An agent that was just started needs so long to say what it sees. */
const patienceMs = 5000;

export async function readWelcome(host: string, context: Context): Promise<Welcome> {
	const found = await waitForInventory(host, context);
	const status = await callFor("davit/status/1", { method: "GET", path: "/" }, context);
	const missing = found?.capabilities.filter((capability) => !capability.available) ?? [];
	return {
		schema: "davit/start/1",
		home: context.home,
		site: status.site,
		host,
		link: await pageLink(context),
		broker: status.broker,
		resources: found?.resources.map((row) => row.address) ?? [],
		engine: found?.row.engine ?? null,
		hints: missing.flatMap(({ name, detail, hint }) =>
			hint === undefined ? [] : [`${name}: ${detail}; ${hint}`],
		),
	};
}

async function waitForInventory(host: string, context: Context): Promise<HostDocument | undefined> {
	const until = performance.now() + patienceMs;
	while (performance.now() < until) {
		const document = await readHost(host, context);
		if (document?.row.online === true && document.inventoryAt !== null) return document;
		await wait(100, undefined, { signal: context.signal });
	}
	return await readHost(host, context);
}

async function readHost(host: string, context: Context): Promise<HostDocument | undefined> {
	try {
		return await callFor("davit/host/1", { method: "GET", path: `/hosts/${host}` }, context);
	} catch (error) {
		if (error instanceof CommandError && error.exitCode === exitCodes.absent) return undefined;
		throw error;
	}
}

export function describeWelcome(welcome: Welcome, context: Context): string {
	const { broker, resources } = welcome;
	const volumes = resources.filter((address) => address.includes("/volume:")).length;
	const served = broker.connected ? "" : ", which does not answer yet";
	const lines = [
		`Davit serves the site ${welcome.site} on ${welcome.host}; all of it lies in ${context.home}`,
		`broker  ${plain(broker.name)}, MQTT ${broker.protocol}${served}`,
		`found   ${formatCount(volumes, "volume")}, ${formatCount(resources.length - volumes, "folder")}${welcome.engine === null ? "; no Docker engine" : ` (Docker ${plain(welcome.engine)})`}`,
		...welcome.hints.map((hint) => `        ${plain(hint)}`),
		"Home Assistant connects with what davit account ha prints",
		`page    ${welcome.link}`,
	];
	return lines.join("\n");
}
