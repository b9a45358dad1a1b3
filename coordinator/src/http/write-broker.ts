import { isAbsolute, resolve } from "node:path";
import { HostName, OperationError } from "@davit/protocol";
import { z } from "zod";
import { writeBrokerConfig } from "../broker/write-config.ts";
import type { Desk } from "../desk.ts";

/** An absolute folder on the coordinator's machine. */
export const WantedBrokerConfig = z.object({
	directory: z.string().max(4096).refine(isAbsolute, "must be an absolute path"),
	/** Hosts that have not joined yet. */
	hosts: z.array(HostName).max(1000).default([]),
});

/** What was written: names only, the passwords lie in `accountsFile`. */
export interface BrokerConfigAnswer {
	readonly configurationFile: string;
	readonly accountsFile: string;
	readonly accounts: readonly string[];
	readonly files: readonly string[];
}

/**
 * Writes Mosquitto's configuration with one account for each host the coordinator knows.
 * @throws OperationError configuration-invalid | host-name-taken | not-allowed
 */
export async function writeBroker(
	desk: Desk,
	{ directory, hosts }: z.infer<typeof WantedBrokerConfig>,
): Promise<BrokerConfigAnswer> {
	const folder = resolve(directory);
	const wish = { site: desk.status().site, hosts: [...new Set([...allHosts(desk), ...hosts])] };
	const written = await writeBrokerConfig(folder, wish).catch((error: unknown) => {
		if (error instanceof OperationError) throw error;
		const reason = error instanceof Error ? error.message : String(error);
		throw new OperationError(
			"configuration-invalid",
			`a broker's files were not written to ${folder}: ${reason}`,
			{
				cause: error,
				hint: "name a folder that the coordinator's user may write",
			},
		);
	});
	return {
		configurationFile: written.configurationFile,
		accountsFile: written.accountsFile,
		accounts: written.accounts.map(({ username }) => username),
		files: written.changed,
	};
}

function allHosts(desk: Desk) {
	const first = desk.hosts({});
	const names = first.items.map(({ host }) => host);
	for (let page = 2; page <= first.pages; page += 1) {
		names.push(...desk.hosts({ page }).items.map(({ host }) => host));
	}
	return names;
}
